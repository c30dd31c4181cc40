"""What the codes of starting the service mean, at length."""

EXPLANATIONS: dict[str, str] = {
    "SVC320": """No such version of what was learned is there: it was never reached, or is older than those that are kept (the newest
200, and all since 200 before the oldest open decision). `opsctl learned list` shows what there is.""",
    "SVC321": """The service learned something at the moment at which it was to go back. Nothing was changed; run the command again.""",
    "SVC322": """No such decision can be made again. A decision is kept for thirty days after its reward is known, and only a share of
them (`ranking.replayable_share` in ops/service.yaml) is logged with all that it was made from.""",
    "SVC301": """The host at which the service is to listen is no address of this machine, or no name of one.

`127.0.0.1` is heard by this machine alone, `0.0.0.0` by every machine that reaches it.""",
    "SVC304": """All workers of the service together open at most `pooled_connections` connections to the database, and each
needs at least one of its own.""",
    "SVC303": """All workers of the service ended while they started, such as for a server that does not answer or a
file that cannot be opened. Each wrote why; with `opsctl stack logs service` for the one of the stack.""",
    "SVC305": """More feeds were asked for than the workers can make. How many a worker makes at once it learns from how long they
take (`ranking_admission_limit`); the others wait for a quarter of the time that a request may take. A reader who gets no turn
by then gets what is popular (`X-Feed-Reason: overload`); batch work (`Priority: u=7`) is refused with 503, because nobody waits
for it. Old feeds that L1 still holds are served meanwhile as `STALE`.

More workers (`workers` in ops/service.yaml) make more feeds a second, longer lifetimes in ops/cache.yaml need fewer.""",
    "SVC302": """The service cannot listen at this port: another program does, or the port is not for this user.

Two services at one port would each get a part of the requests, so this is refused even where the kernel allows it.""",
    "SVC310": """Errors are to be reported to Sentry (OPSCTL_SENTRY_DSN is set), and that cannot begin.

The package is the extra `opsctl[sentry]`; the DSN stands in the project's settings there.""",
}
