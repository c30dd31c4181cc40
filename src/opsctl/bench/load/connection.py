"""How is one kept-alive connection driven, and how are as many kept open as a load wants, whatever the server does?"""

import asyncio
import ssl
import time
from typing import Protocol, cast

from opsctl.bench.load.http11 import Answer, AnswerReader, BrokenAnswerError, read_whole
from opsctl.bench.load.ports import Address
from opsctl.bench.load.tally import Outcome
from opsctl.bench.load.tls import connection_fault

_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 1.0
_AT_A_TIME = 64
"""Connections being made at one moment; more would overflow a listener's queue of 128 or so."""

_HEAD_METHOD = ord("H")  # no other method begins with it


class Hears(Protocol):
    """What connections tell: the sender."""

    def answered(self, connection: "Connection", answer: Answer, *, ended: float) -> None:
        """Take the answer to the request that the connection carries."""
        ...

    def failed(self, connection: "Connection", outcome: Outcome, *, reason: str) -> None:
        """Take that no good answer will come to the request that the connection carries."""
        ...

    def opened(self, connection: "Connection") -> None:
        """Take a new connection, which is idle."""
        ...

    def unreachable(self, outcome: Outcome, *, reason: str) -> None:
        """Take that nothing is connected and the last attempt failed."""
        ...

    def noted(self, reason: str) -> None:
        """Take something odd that happened outside of any request."""
        ...


class Connection(asyncio.Protocol):
    """One connection with at most one request on its way; `sent` is 0 while there is none."""

    __slots__ = (
        "_hears", "_pool", "_reader", "_transport", "dispatched", "endpoint", "is_head", "is_open", "is_proven",
        "planned", "sent", "was_used",
    )  # fmt: skip

    def __init__(self, pool: "Pool", hears: Hears) -> None:
        self._pool = pool
        self._hears = hears
        self._reader: AnswerReader | None = None
        self._transport: asyncio.Transport | None = None
        self.planned = self.dispatched = self.sent = 0.0
        self.endpoint = 0
        self.is_head = False
        self.is_open = False
        self.was_used = False
        self.is_proven = False
        """Whether an answer came over it."""

    def send(self, planned: float, dispatched: float, sent: float, endpoint: int, request: bytes) -> None:
        """Put a request on its way."""
        self.planned = planned
        self.dispatched = dispatched
        self.sent = sent
        self.endpoint = endpoint
        self.is_head = request[0] == _HEAD_METHOD
        self.was_used = True
        self._transport.write(request)  # type: ignore[union-attr]  # who sends has looked whether it is open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class is not a subclass
        self.is_open = True
        self._pool.made(self)

    def data_received(self, data: bytes) -> None:
        """Read an answer: mostly all of it at once, in its plainest shape."""
        ended = time.monotonic()
        if self.sent and self._reader is None and not self.is_head:
            answer = read_whole(data)
            if answer is not None:
                self._hears.answered(self, answer, ended=ended)
                return
        self._read_carefully(data, ended=ended)

    def eof_received(self) -> None:
        """Let the transport close; what the end means is decided when it has."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Settle the request that was on its way, and ask for another connection."""
        self.is_open = False
        if self.sent:
            self._end_of_stream(exc)
        self._pool.lost(self)

    def close(self) -> None:
        """End it now; no request may be on its way any more."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def _read_carefully(self, data: bytes, *, ended: float) -> None:
        if not self.sent:
            if self.is_open:
                self._hears.noted("bytes that nobody asked for")
                self.close()
            return
        reader = self._reader
        if reader is None:
            reader = self._reader = AnswerReader(to_head=self.is_head)
        try:
            answer = reader.feed(data)
        except BrokenAnswerError as error:
            self._reader = None
            self._hears.failed(self, error.outcome, reason=error.reason)
            return
        if answer is not None:
            self._reader = None
            self._hears.answered(self, answer, ended=ended)

    def _end_of_stream(self, exc: Exception | None) -> None:
        reader, self._reader = self._reader or AnswerReader(to_head=self.is_head), None
        ended = time.monotonic()
        try:
            answer = reader.end()
        except BrokenAnswerError as error:
            reason = "connection reset" if isinstance(exc, ConnectionError) else error.reason
            self._hears.failed(self, error.outcome, reason=reason)
            return
        if answer is not None and isinstance(exc, ConnectionError):
            # Only an orderly end says that a body without a length was whole.
            self._hears.failed(self, Outcome.TRUNCATED, reason="connection reset in the middle of the body")
        elif answer is not None:
            self._hears.answered(self, answer, ended=ended)


class Pool:
    """Keeps `size` connections open.

    A connection that is lost after it was used is replaced at once. One that was of no use, and an attempt that fails,
    make the next attempt wait, longer each time up to a second, and one at a time until an answer comes.
    """

    def __init__(self, address: Address, *, hears: Hears, size: int, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._hears = hears
        self._size = size
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._attempts: set[asyncio.Task[None]] = set()
        self._fruitless = 0
        self._later: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._patience_seconds = 5.0
        self.connections: set[Connection] = set()
        self.last_fault: tuple[Outcome, str] | None = None

    async def open_all(self, *, patience_seconds: float) -> None:
        """Open all connections, or as many as can be had before the first attempt fails."""
        self._patience_seconds = patience_seconds
        self._fill()
        while self._attempts and not self._fruitless:
            await asyncio.wait(self._attempts, return_when=asyncio.FIRST_COMPLETED)

    def made(self, connection: Connection) -> None:
        """Count a new connection."""
        if self._is_closed:
            connection.close()
            return
        self.connections.add(connection)
        self._hears.opened(connection)

    def proven(self, connection: Connection) -> None:
        """Take that an answer came over a connection: the server is there."""
        connection.is_proven = True
        if self._fruitless:
            self._fruitless = 0
            self._fill()

    def lost(self, connection: Connection) -> None:
        """Replace a connection that has ended."""
        self.connections.discard(connection)
        if self._is_closed:
            return
        if connection.was_used:
            self._fill()
        elif self._later is None:  # many that end together are one sign, not many
            self._fruitless += 1
            self._fill_later()

    def close(self) -> None:
        """End all of them."""
        self._is_closed = True
        if self._later is not None:
            self._later.cancel()
        for attempt in self._attempts:
            attempt.cancel()
        for connection in tuple(self.connections):
            connection.close()

    def _fill(self) -> None:
        self._later = None
        at_a_time = 1 if self._fruitless else _AT_A_TIME
        while (
            not self._is_closed
            and len(self._attempts) < at_a_time
            and len(self.connections) + len(self._attempts) < self._size
        ):
            attempt = self._loop.create_task(self._connect())
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempted)

    def _fill_later(self) -> None:
        if self._later is None and not self._is_closed:
            pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(self._fruitless, 10))
            self._later = self._loop.call_later(pause, self._fill)

    async def _connect(self) -> None:
        address = self._address
        name = address.host if self._tls is not None else None
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._loop.create_connection(
                    self._make, address.host, address.port, ssl=self._tls, server_hostname=name
                )
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            self._fruitless += 1
            self.last_fault = connection_fault(error)

    def _make(self) -> Connection:
        return Connection(self, self._hears)

    def _attempted(self, attempt: "asyncio.Task[None]") -> None:
        self._attempts.discard(attempt)
        if self._is_closed or attempt.cancelled():
            return
        attempt.result()  # whatever else went wrong is a bug, and ends the process with its trace
        if not self._fruitless:
            self._fill()
            return
        if not self.connections and not self._attempts and self.last_fault is not None:
            outcome, reason = self.last_fault
            self._hears.unreachable(outcome, reason=reason)
        self._fill_later()
