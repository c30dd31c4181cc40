"""How does a request go on to the API: with a checked body, a deadline, and headers that can be trusted."""

import asyncio
import logging

from opsctl.service.api.problem import INTERNAL, ProblemError
from opsctl.service.edge import problems
from opsctl.service.edge.answering import Answering
from opsctl.service.edge.answers import passed_on
from opsctl.service.edge.asgi import Application, Headers, Message, Receive, Scope, Send
from opsctl.service.edge.headers import BATCH_PRIORITY, continue_trace, traceparent_of
from opsctl.service.edge.options import EdgeOptions
from opsctl.service.edge.origin import has_body, read_body, replay
from opsctl.service.edge.request import FeedQuery, Request
from opsctl.service.telemetry.trace import Trace, tracing

_logger = logging.getLogger(__name__)

_REPLACED = frozenset({b"x-request-id", b"traceparent"})


def feed_scope(request: Request, query: FeedQuery, *, request_id: bytes) -> Scope:
    """Return the one way to ask the API for a feed; its id is another one where the request does not wait for it.

    Its answer goes to everybody who asks the same, so nothing of this client but user and query may shape it; batch
    work is asked for apart.
    """
    path = f"/v1/feed/{request.user_text}"
    trace = continue_trace(request.headers.get(b"traceparent"))
    request.trace_id, request.span_id = trace.trace_id, trace.span_id
    return request.scope | {
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.text,
        "headers": [
            (b"host", request.headers.get(b"host", b"localhost")),
            (b"accept", b"application/json"),
            (b"x-request-id", request_id),
            (b"traceparent", trace.header),
            *([(b"priority", BATCH_PRIORITY)] if request.is_batch else ()),
        ],
    }


def api_scope(request: Request) -> Scope:
    """Return a request as the API sees it: ids checked or made, HEAD as GET."""
    trace = continue_trace(request.headers.get(b"traceparent"))
    request.trace_id, request.span_id = trace.trace_id, trace.span_id
    headers: Headers = [header for header in request.scope["headers"] if header[0] not in _REPLACED]
    headers += [(b"x-request-id", request.request_id), (b"traceparent", trace.header)]
    method = "GET" if request.method == "HEAD" else request.method
    return request.scope | {"method": method, "headers": headers}


class PassingOn:
    """Passes requests on and their answers back, piece by piece."""

    def __init__(self, application: Application, *, answering: Answering, options: EdgeOptions) -> None:
        self._application = application
        self._answering = answering
        self._options = options

    async def pass_on(self, request: Request, receive: Receive, send: Send) -> None:
        """Answer with what the API answers.

        Raises:
            ProblemError: the body is refused, or the API fails before it has begun to answer.
        """
        body = b""
        if has_body(request.headers):
            body = await read_body(
                receive,
                headers=request.headers,
                most_bytes=self._options.body_bytes,
                within_seconds=self._options.body_seconds,
            )
        scope = api_scope(request)
        trace = Trace(request_id=request.request_id.decode("ascii"), traceparent=traceparent_of(scope))
        back = _WayBack(request, trace=trace, answering=self._answering, send=send)
        with tracing(trace):
            await self._call(scope, replay(body, receive), back)
        self._answering.finished(request, back.status, bytes_sent=back.bytes_sent, trace=trace)

    async def _call(self, scope: Scope, receive: Receive, back: "_WayBack") -> None:
        try:
            async with asyncio.timeout(self._options.request_seconds):
                await self._application(scope, receive, back.send)
        except TimeoutError as error:
            if back.status:
                raise  # too late for a problem: the server cuts the connection, so nobody takes it for whole
            raise problems.too_late(self._options.request_seconds) from error
        except Exception as error:
            _logger.exception("the API failed")
            if back.status:
                raise
            raise ProblemError(kind=INTERNAL, detail="the request could not be answered") from error
        if not back.status:
            raise ProblemError(kind=INTERNAL, detail="there was no answer")


class _WayBack:
    """Sends the API's answer on, with the edge's headers and without the body that HEAD must not have."""

    def __init__(self, request: Request, *, trace: Trace, answering: Answering, send: Send) -> None:
        self._request = request
        self._trace = trace
        self._answering = answering
        self._send = send
        self.status = 0
        self.bytes_sent = 0

    async def send(self, message: Message) -> None:
        """Send one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._request.cache = dict(message.get("headers", ())).get(b"x-cache", b"").decode("latin-1")
            own = self._answering.own_headers(self._request, trace=self._trace)
            message = message | {"headers": [*passed_on(list(message.get("headers", ()))), *own]}
        elif self._request.method == "HEAD":
            message = message | {"body": b""}
        self.bytes_sent += len(message.get("body", b""))
        await self._send(message)
