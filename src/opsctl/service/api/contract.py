"""What does every answer have in common: headers, refusals, the key, and the paths that the edge answers itself."""

from dataclasses import dataclass
from typing import Any, Final

from opsctl.service.api import problem
from opsctl.service.api.problem import MEDIA_TYPE, ProblemKind
from opsctl.service.book import ServiceBook
from opsctl.service.cache.policy import CacheBook
from opsctl.service.edge.problems import LARGE_HEADERS, LONG_ADDRESS, PREFLIGHT

SECURITY_SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "opk_<prefix>_<secret>",
    "description": "An API key; `opsctl security keys create` makes one.",
}

TAGS: Final = [
    {"name": "feeds", "description": "What to show to a user."},
    {"name": "interactions", "description": "What users did."},
    {"name": "content", "description": "The catalogue, one item at its address."},
    {"name": "state", "description": "Of the service itself; no key is needed."},
]


def _header(
    description: str, schema: dict[str, Any], *, example: object, required: bool = False
) -> dict[str, Any]:
    return {"description": description, "schema": schema, "example": example} | (
        {"required": True} if required else {}
    )


HEADERS: Final = {
    "Age": _header(
        "Seconds since the answer was made; of cached answers.", {"type": "integer", "minimum": 0}, example=17
    ),
    "Cache-Control": _header(
        "How long the answer is good.", {"type": "string"}, example="private, max-age=0, must-revalidate"
    ),
    "Cache-Tag": _header(
        "What the answer speaks of; a change of any of these drops it.",
        {"type": "string"},
        example="user-42,content-7",
    ),
    "ETag": _header(
        "Of the bytes; send it back as `If-None-Match`.", {"type": "string"}, example='"5f2b9c0e"'
    ),
    "Location": _header("Where the new item is.", {"type": "string"}, example="/v1/content/7", required=True),
    "RateLimit-Limit": _header(
        "Requests that the plan allows a user at once.", {"type": "integer"}, example=1000
    ),
    "RateLimit-Policy": _header(
        "The same with the seconds in which it refills.", {"type": "string"}, example="1000;w=3600"
    ),
    "RateLimit-Remaining": _header(
        "Requests that are left now.", {"type": "integer", "minimum": 0}, example=993
    ),
    "RateLimit-Reset": _header(
        "Seconds until all of them are there again.", {"type": "integer", "minimum": 0}, example=26
    ),
    "Retry-After": _header(
        "Seconds after which asking again may help.",
        {"type": "integer", "minimum": 0},
        example=3,
        required=True,
    ),
    "Server-Timing": _header(
        "Where the time went: each stage with its milliseconds (`dur`), and when it began (`desc`).",
        {"type": "string"},
        example='retrieve;dur=3.10;desc="at 0.42", rank;dur=1.25;desc="at 4.01"',
    ),
    "WWW-Authenticate": _header("How to authenticate.", {"type": "string"}, example="Bearer", required=True),
    "X-Cache": _header(
        "Where the answer is from: the edge's memory, the shared store, nowhere (made anew), or the edge's memory past its time.",
        {"type": "string", "enum": ["HIT-L1", "HIT-L2", "MISS", "STALE"]},
        example="HIT-L1",
    ),
    "X-Request-Id": _header(
        "Names the request in the service's log; the client's own is taken over where it is well formed.",
        {"type": "string"},
        example="0b7f4d1c2a9e4f60",
        required=True,
    ),
}

PROBLEMS: Final = sorted((*problem.ALL, LONG_ADDRESS, LARGE_HEADERS, PREFLIGHT), key=lambda kind: kind.code)
"""Every problem of API and edge."""

NOT_MODIFIED: Final = {
    "description": "The client has this feed already.",
    "headers": {
        name: {"$ref": f"#/components/headers/{name}"}
        for name in ("X-Request-Id", "ETag", "Cache-Control", "Cache-Tag", "X-Cache")
    },
}
IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The `ETag` of the feed that the client has; it gets 304 where nothing changed.",
    "example": '"5f2b9c0e"',
}

_LIMITS = ["RateLimit-Limit", "RateLimit-Policy", "RateLimit-Remaining", "RateLimit-Reset"]

SUCCESS_HEADERS: Final[dict[str, list[str]]] = {
    "*": ["X-Request-Id"],
    "getFeed 200": ["Age", "Cache-Control", "Cache-Tag", "ETag", *_LIMITS, "Server-Timing", "X-Cache"],
    "getTrending 200": [*_LIMITS, "Server-Timing"],
    "recordInteractions 200": [*_LIMITS, "Server-Timing"],
    "getContent 200": [*_LIMITS, "Server-Timing"],
    "putContent 200": [*_LIMITS, "Server-Timing"],
    "putContent 201": ["Location", *_LIMITS, "Server-Timing"],
    "deleteContent 204": _LIMITS,
}
"""By operation and status, beside those of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One status with the problems that it stands for; `operations` is None where every route may answer it."""

    name: str
    kinds: tuple[ProblemKind, ...]
    headers: tuple[str, ...] = ()
    operations: frozenset[str] | None = None
    only_protected: bool = False

    @property
    def status(self) -> int:
        """Return the status, which all its kinds share."""
        return self.kinds[0].status

    def belongs_to(self, operation: dict[str, Any], *, is_protected: bool) -> bool:
        """Tell whether a route may answer so."""
        if self.operations is not None:
            return operation["operationId"] in self.operations
        return is_protected or not self.only_protected

    def document(self) -> dict[str, Any]:
        """Return it as a response of OpenAPI."""
        meanings = "\n".join(f"- `{kind.code}` {kind.title}: {kind.meaning}" for kind in self.kinds)
        names = ("X-Request-Id", *self.headers)
        return {
            "description": meanings,
            "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}},
        }


_WITH_BODY: Final = frozenset({"recordInteractions", "putContent"})

# Of two with the same status the later one holds, which is the one that knows the route.
REFUSALS: Final = (
    Refusal(name="BadRequest", kinds=(problem.MALFORMED, problem.INVALID)),
    Refusal(
        name="Unauthorized",
        kinds=(problem.NO_KEY, problem.WRONG_KEY),
        headers=("WWW-Authenticate",),
        only_protected=True,
    ),
    Refusal(name="Forbidden", kinds=(problem.SCOPE,), only_protected=True),
    Refusal(
        name="NotFound",
        kinds=(problem.NO_CONTENT_ITEM,),
        operations=frozenset({"getContent", "deleteContent"}),
    ),
    Refusal(name="TooSlow", kinds=(problem.TOO_SLOW,)),
    Refusal(name="TooLarge", kinds=(problem.TOO_LARGE,)),
    Refusal(name="UnsupportedMediaType", kinds=(problem.MEDIA,), operations=_WITH_BODY),
    Refusal(
        name="UnknownChoice",
        kinds=(problem.UNKNOWN_CHOICE,),
        operations=frozenset({"getFeed", "getTrending"}),
    ),
    Refusal(name="UnknownVendor", kinds=(problem.UNKNOWN_VENDOR,), operations=frozenset({"putContent"})),
    Refusal(name="OutOfWindow", kinds=(problem.OUT_OF_WINDOW,), operations=frozenset({"recordInteractions"})),
    Refusal(
        name="TooManyRequests",
        kinds=(problem.RATE_LIMIT,),
        headers=("Retry-After", *_LIMITS),
        only_protected=True,
    ),
    Refusal(name="AddressTooLong", kinds=(LONG_ADDRESS,)),
    Refusal(name="HeadersTooLarge", kinds=(LARGE_HEADERS,)),
    Refusal(name="InternalError", kinds=(problem.INTERNAL,)),
    Refusal(name="Unavailable", kinds=(problem.UNAVAILABLE,), headers=("Retry-After",)),
    Refusal(
        name="NoFeed",
        kinds=(problem.UNAVAILABLE, problem.EMPTY_FEED),
        headers=("Retry-After",),
        operations=frozenset({"getFeed"}),
    ),
    Refusal(
        name="NotReady",
        kinds=(problem.NOT_READY,),
        headers=("Retry-After",),
        operations=frozenset({"getReadiness"}),
    ),
    Refusal(name="NoAnswerInTime", kinds=(problem.TOO_LATE,)),
)

EDGE_PATHS: Final[dict[str, Any]] = {
    "/healthz": {
        "get": {
            "operationId": "getHealth",
            "tags": ["state"],
            "summary": "Get Health",
            "description": "Tell that the process is alive; the edge answers it by itself.",
            "responses": {
                "200": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/HealthAnswer"}}}
                }
            },
        }
    },
    "/metrics": {
        "get": {
            "operationId": "getMetrics",
            "tags": ["state"],
            "summary": "Get Metrics",
            "description": "Return the metrics of all workers in Prometheus' text format; `opsctl metrics list` explains them.",
            "responses": {"200": {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        }
    },
}


def described(*, book: ServiceBook, cache_book: CacheBook) -> str:
    """Return what the document says first."""
    feed = cache_book.l1.feed
    return (
        "Feeds of creative vendors, ranked for each user by several agents.\n\n"
        "Every request under `/v1` carries a key: `Authorization: Bearer opk_...`. Errors are `application/problem+json` "
        "with a stable `code`. **400** means that the request does not keep to this contract and never will succeed; "
        "**422** that it does, but the catalogue or the clock does not agree with it. Unknown fields and parameters are "
        "refused with 400.\n\n"
        f"A feed is kept for {feed.fresh} and may be served for {feed.stale_while_revalidate} more while it is made anew; "
        "`X-Cache` and `Age` tell so.\n\n"
        f"Bodies are at most {book.limits.body}, an answer takes at most {book.limits.request_seconds:g} seconds."
    )
