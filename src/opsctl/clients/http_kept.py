"""How are many small POSTs sent to one server at little cost: HTTP/1.1 over kept connections, bytes in and bytes out.

httpx spends ten times the processor time on such a request; what it does beyond (redirects, cookies, proxies,
decompression) is not wanted here. Where a proxy stands in between, httpx is the right client.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from opsctl.clients.http_answer import Answer, AnswerReader, BadAnswerError

if TYPE_CHECKING:
    from ssl import SSLContext

_DEFAULT_PORTS = {"http": 80, "https": 443}


class ConnectionEndedError(ConnectionError):
    """The server closed the connection before its answer was whole; `unanswered` where it had not even begun one."""

    def __init__(self, *, unanswered: bool) -> None:
        super().__init__("the server closed the connection before its answer was whole")
        self.unanswered = unanswered


class KeptHttp:
    """Connections to one server, opened as needed and kept; for use within one event loop.

    Args:
        url: scheme, host, port and the path before every path, such as `http://127.0.0.1:6333/prefix`.
        headers: sent with every request.
        max_connections: requests beyond wait for a free one.
        largest_body_bytes: of an answer; more is refused.

    Raises:
        ValueError: the address is not one of http or https, or a header holds a line break.
    """

    def __init__(
        self, url: str, *, headers: Mapping[str, str], max_connections: int, largest_body_bytes: int
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"`{url}` is no address of http or https")
        self._place = _Place(
            host=parts.hostname,
            port=parts.port or _DEFAULT_PORTS[parts.scheme],
            ssl=_tls() if parts.scheme == "https" else None,
        )
        self._prefix = parts.path.rstrip("/")
        user, _, host = parts.netloc.rpartition("@")
        basic = f"Basic {b64encode(unquote(user).encode()).decode()}"
        self._head = _head(host, ({"Authorization": basic} if user else {}) | dict(headers))
        self._largest_body_bytes = largest_body_bytes
        self._free = asyncio.Semaphore(max_connections)
        self._idle: list[_Connection] = []

    async def post(self, path: str, body: bytes, *, traceparent: str = "") -> Answer:
        """Send a body of JSON and return what comes back, whatever its status; the caller limits the time.

        A kept connection that the server had closed meanwhile is replaced and the request sent again: ask only for
        what may be done twice.

        Args:
            path: below the address, encoded, beginning with a slash.
            body: JSON.
            traceparent: of the trace that this request belongs to; nothing is sent where there is none.

        Raises:
            OSError: the server is not there, or went away.
            BadAnswerError: what came is not HTTP, or too large.
        """
        trace = f"\r\ntraceparent: {traceparent}" if traceparent else ""
        request = b"POST %b%b%b\r\nContent-Length: %d\r\n\r\n%b" % (
            (self._prefix + path).encode("ascii"),
            self._head,
            trace.encode("ascii"),
            len(body),
            body,
        )
        async with self._free:
            while self._idle:
                try:
                    return await self._ask(self._idle.pop(), request)
                except ConnectionEndedError as error:
                    if not error.unanswered:
                        raise
            return await self._ask(await self._connect(), request)

    async def close(self) -> None:
        """Close the connections that are kept."""
        while self._idle:
            self._idle.pop().close()
        # One turn of the loop, in which the transports close.
        await asyncio.sleep(0)

    async def _connect(self) -> "_Connection":
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: _Connection(largest_body_bytes=self._largest_body_bytes),
            self._place.host,
            self._place.port,
            ssl=self._place.ssl,
        )
        return connection

    async def _ask(self, connection: "_Connection", request: bytes) -> Answer:
        answer = await connection.ask(request)
        if connection.is_open:
            self._idle.append(connection)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    host: str
    port: int
    ssl: "SSLContext | None"


class _Connection(asyncio.Protocol):
    """One connection with at most one request on its way."""

    def __init__(self, *, largest_body_bytes: int) -> None:
        self._reader = AnswerReader(largest_body_bytes=largest_body_bytes)
        self._answer: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is not a subclass
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked
            return
        try:
            answer = self._reader.feed(data)
        except BadAnswerError as error:
            self.close()
            self._answer.set_exception(error)
            return
        if answer is not None:
            if not answer.keeps_connection:
                self.close()
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.is_open = False
        if self._answer is None or self._answer.done():
            return
        try:
            answer = self._reader.end()
        except BadAnswerError as error:
            self._answer.set_exception(error)
            return
        if answer is not None:
            self._answer.set_result(answer)
        else:
            self._answer.set_exception(ConnectionEndedError(unanswered=not self._reader.has_begun))

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer; called off, it takes the connection along."""
        if self._transport is None or not self.is_open:
            raise ConnectionEndedError(unanswered=True)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close at once."""
        self.is_open = False
        if self._transport is not None:
            with suppress(RuntimeError):  # the loop that it belonged to has ended
                self._transport.abort()


def _head(host: str, headers: Mapping[str, str]) -> bytes:
    """Return what follows the path of every request."""
    lines = {
        "Host": host,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        **headers,
    }
    for name, value in lines.items():
        if not (name + value).isprintable():
            raise ValueError(f"the header `{name}` holds a character that no header can")
    return b" HTTP/1.1\r\n" + "\r\n".join(f"{name}: {value}" for name, value in lines.items()).encode(
        "latin-1"
    )


def _tls() -> "SSLContext":
    import ssl

    return ssl.create_default_context()
