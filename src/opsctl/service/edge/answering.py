"""How does an answer leave: the headers that every answer carries, the bytes, and afterwards metrics and log."""

from collections.abc import Callable

from opsctl.service.api.problem import ProblemError
from opsctl.service.edge import problems
from opsctl.service.edge.answers import HIT, Answer, matches, passed_on
from opsctl.service.edge.asgi import Header, Headers, Scope, Send
from opsctl.service.edge.caught import Caught
from opsctl.service.edge.cors import Cors
from opsctl.service.edge.counting import Counting
from opsctl.service.edge.headers import SECURITY, continue_trace
from opsctl.service.edge.hits import Hit
from opsctl.service.edge.request import Request
from opsctl.service.telemetry.facts import REFRESH, RequestFacts
from opsctl.service.telemetry.trace import Trace

_CLIENT_GONE = 499
_SAID_ANEW = frozenset({b"content-length", b"x-cache"})

Log = Callable[[RequestFacts], None]


class Answering:
    """Sends answers; `log` hears of every one but of L1 hits, of which it hears of `hit_share`."""

    def __init__(
        self,
        *,
        cors: Cors,
        counting: Counting,
        log: Log,
        hit_share: float,
        random: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._cors = cors
        self._counting = counting
        self._log = log
        self._hit_share = hit_share
        self._random = random
        self._clock = clock

    def hit(self, hit: Hit, *, scope: Scope, began: float) -> None:
        """Count an answer that went the short way, and tell the log of a part of these."""
        seconds = self._clock() - began
        self._counting.hits.add(hit[0], seconds)
        if self._random() < self._hit_share:
            status, _, body, request_id, grant = hit
            request = Request(scope, began=began)
            request.request_id, request.grant, request.cache = request_id, grant, "HIT-L1"
            self._tell(request, status, bytes_sent=len(body), seconds=seconds)

    async def kept(
        self, request: Request, answer: Answer, *, state: Header, age_seconds: float, send: Send
    ) -> None:
        """Send an answer from memory, `HIT` or `STALE`: the long way, as `Hits` is the short one."""
        if_none_match = request.headers.get(b"if-none-match")
        if if_none_match is not None and matches(if_none_match, answer.etag):
            status, body, fixed = 304, b"", answer.not_modified
        else:
            status, body, fixed = 200, b"" if request.method == "HEAD" else answer.body, answer.headers
        headers = [*fixed, state, (b"age", b"%d" % age_seconds), *self.own_headers(request)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        seconds = self._clock() - request.began
        self._counting.answered("feed", status, seconds)
        if state is not HIT or self._random() < self._hit_share:
            request.cache = "HIT-L1" if state is HIT else "STALE"
            self._tell(request, status, bytes_sent=len(body), seconds=seconds)

    async def made(
        self, request: Request, caught: Caught, *, answer: Answer | None, trace: Trace | None, send: Send
    ) -> None:
        """Send what the API has just made, kept or not."""
        request.cache = _cache_of(caught)
        if_none_match = request.headers.get(b"if-none-match")
        if answer is not None and if_none_match is not None and matches(if_none_match, answer.etag):
            status, body, fixed = 304, b"", list(answer.not_modified)
        else:
            status, body = caught.status, caught.body
            fixed = list(answer.headers) if answer is not None else _unkept(caught)
        if status in {200, 304}:
            fixed.append((b"x-cache", request.cache.encode()))
        await self.whole(request, status=status, headers=fixed, body=body, trace=trace, send=send)

    async def whole(
        self,
        request: Request,
        *,
        status: int,
        headers: Headers,
        body: bytes,
        send: Send,
        trace: Trace | None = None,
    ) -> None:
        """Send an answer whose body is at hand, and count and log it."""
        sent = b"" if request.method == "HEAD" else body
        own = self.own_headers(request, trace=trace)
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *own]})
        await send({"type": "http.response.body", "body": sent})
        self.finished(request, status, bytes_sent=len(sent), trace=trace)

    async def problem(
        self, request: Request, problem: ProblemError, *, send: Send, trace: Trace | None = None
    ) -> None:
        """Send a problem of the edge's own."""
        if isinstance(problem, problems.RefusedError) and problem.reason is not None:
            request.refused = problem.reason
            self._counting.refused(problem.reason)
        body, headers = problems.rendered(problem, request=request)
        await self.whole(
            request,
            status=problem.kind.status,
            headers=[*headers, *SECURITY],
            body=body,
            send=send,
            trace=trace,
        )

    def own_headers(self, request: Request, *, trace: Trace | None = None) -> Headers:
        """Return the headers that depend on the request alone, whatever is answered."""
        timing = b"edge;dur=%.2f" % ((self._clock() - request.began) * 1000)
        if trace is not None and trace.stages:
            timing = b"%s, %s" % (trace.server_timing().encode("latin-1", "replace"), timing)
        headers: Headers = [(b"x-request-id", request.request_id), (b"server-timing", timing)]
        if request.verdict is not None and request.grant is not None:
            headers += request.grant.allowance.headers
            headers.append((b"ratelimit-remaining", b"%d" % request.verdict.remaining))
            headers.append((b"ratelimit-reset", b"%d" % request.verdict.reset_seconds))
        if self._cors.is_on:
            headers += self._cors.headers(request.headers.get(b"origin"))
        return headers

    def finished(self, request: Request, status: int, *, bytes_sent: int, trace: Trace | None = None) -> None:
        """Count and log an answer that has left."""
        seconds = self._clock() - request.began
        self._counting.answered(request.route, status, seconds)
        self._tell(request, status, bytes_sent=bytes_sent, seconds=seconds, trace=trace)

    def unheard(self, request: Request, caught: Caught | None = None, trace: Trace | None = None) -> None:
        """Count and log a request whose client left, and what was made for it all the same."""
        if caught is not None:
            request.cache = _cache_of(caught)
        self.finished(request, _CLIENT_GONE, bytes_sent=0, trace=trace)

    def refreshed(self, request: Request, *, status: int, trace: Trace, began: float) -> None:
        """Tell the log of a feed that was made in the background: no answer, so no key, no bytes and no request counted."""
        self._log(
            RequestFacts(
                route=request.route,
                method="GET",
                status=status,
                duration_seconds=self._clock() - began,
                bytes_sent=0,
                request_id=trace.request_id,
                trace_id=request.trace_id,
                span_id=request.span_id,
                cache=REFRESH,
                user_id=request.user_id,
                trace=trace,
            )
        )

    def _tell(
        self, request: Request, status: int, *, bytes_sent: int, seconds: float, trace: Trace | None = None
    ) -> None:
        trace_id, span_id = request.trace_id, request.span_id
        if not trace_id:
            parent = continue_trace(request.headers.get(b"traceparent"))
            trace_id, span_id = parent.trace_id, parent.span_id
        self._log(
            RequestFacts(
                route=request.route,
                method=request.method,
                status=status,
                duration_seconds=seconds,
                bytes_sent=bytes_sent,
                request_id=request.request_id.decode(),
                trace_id=trace_id,
                span_id=span_id,
                cache=request.cache,
                key_prefix=None if request.grant is None else request.grant.prefix,
                user_id=request.user_id,
                refused=request.refused,
                trace=trace,
            )
        )


class SilentAnswering(Answering):
    """Sends the same answers, and neither counts nor logs them: for measuring what that costs."""

    def hit(self, hit: Hit, *, scope: Scope, began: float) -> None:
        """Do nothing."""

    def refreshed(self, request: Request, *, status: int, trace: Trace, began: float) -> None:
        """Do nothing."""

    def _tell(
        self, request: Request, status: int, *, bytes_sent: int, seconds: float, trace: Trace | None = None
    ) -> None:
        """Do nothing."""


def _cache_of(caught: Caught) -> str:
    return "HIT-L2" if dict(caught.headers).get(b"x-cache") == b"HIT-L2" else "MISS"


def _unkept(caught: Caught) -> Headers:
    headers = [header for header in passed_on(caught.headers) if header[0] not in _SAID_ANEW]
    return [*headers, (b"content-length", b"%d" % len(caught.body))]
