"""What the codes of the edge mean: problems that the Worker answers by itself, when the service does not."""

EXPLANATIONS = {
    "EDG400": """The edge was told to invalidate something that it does not understand; nothing was dropped.

Write `{"tags": ["content-4711"]}` with up to a thousand tags, or `{"all": true}`. Tags are those of `Cache-Tag`, and `user-ID` for the
feeds of a reader.""",
    "EDG401": """The edge was told to invalidate something without its token, or with another one.

The token is the Worker's secret PURGE_TOKEN (`npx wrangler secret put PURGE_TOKEN`), sent as `Authorization: Bearer ...`. It is no API key.""",
    "EDG404": """The edge has no such path.

`/metrics` is for those inside, and is not passed on; below `/_edge/` there is `/_edge/invalidate` alone.""",
    "EDG405": """Invalidations are sent with POST.""",
    "EDG413": """What the edge is told to invalidate is larger than it reads, or comes without a length.

A thousand tags fit into one order; send more of them in several. Send the body as a whole, with its Content-Length.""",
    "EDG502": """The service behind the edge does not answer, and the edge has nothing older that it may give.

It was asked within `worker.origin_seconds`. Other keys and feeds may still be answered from what is kept. See whether the origin is there, and whether the
tunnel or the Ingress before it is: `opsctl status`.""",
    "EDG503": """The edge cannot invalidate: the secret PURGE_TOKEN is not set, or no KV namespace is bound.

Marks of what was invalidated are kept in KV; without it no other instance would hear of them, so the order is refused rather than lost. Name the
namespace in the book (`worker.kv_namespace`), render, and deploy.""",
}
