"""How does a greenlet ask over HTTP/1.1 as cheaply as gevent can: bytes out, one wait, bytes in, on a kept connection."""

import time

import gevent

from opsctl.bench.load.http11 import AnswerReader, BrokenAnswerError, read_whole
from opsctl.bench.load.ports import Address
from opsctl.bench.load.tally import Outcome
from opsctl.bench.load.tls import connection_fault, context_for
from opsctl.bench.locust.answers import Answer
from opsctl.bench.locust.streams import Stream, connect

_SWEEPS_A_TIMEOUT = 50
_IDLE_SECONDS = 0.005
"""After so long without a request a kept connection is looked at before it is used: the server may have closed it."""


class RawClient:
    """Makes connections to one address, and ends what takes longer than the timeout.

    One greenlet looks at all requests that are out, instead of a timer for each.
    """

    def __init__(self, address: Address, *, timeout_seconds: float) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds
        self.context = context_for(address)
        self._out: dict[Connection, float] = {}
        self._sweeper = gevent.spawn(self._sweep)

    def connection(self) -> "Connection":
        """Return a connection that connects when it is used."""
        return Connection(self)

    def watch(self, connection: "Connection", *, since: float) -> None:
        """Begin to count the time of a request."""
        self._out[connection] = since

    def unwatch(self, connection: "Connection") -> None:
        """Stop counting."""
        self._out.pop(connection, None)

    def close(self) -> None:
        """Stop watching; connections are closed by who made them."""
        self._sweeper.kill(block=False)

    def _sweep(self) -> None:
        pause = min(1.0, max(0.002, self.timeout_seconds / _SWEEPS_A_TIMEOUT))
        while True:
            gevent.sleep(pause)
            limit = time.perf_counter() - self.timeout_seconds
            for connection, since in list(self._out.items()):
                if since < limit:
                    connection.give_up()


class Connection:
    """One kept-alive connection, used by one greenlet at a time; after anything but a whole answer it is made anew."""

    def __init__(self, client: RawClient) -> None:
        self._client = client
        self._stream: Stream | None = None
        self._used = 0.0
        self._is_overdue = False

    def open(self) -> Answer | None:
        """Connect where that is needed; return what became of it when it failed."""
        if self._stream is not None:
            if time.perf_counter() - self._used < _IDLE_SECONDS or not self._stream.is_gone():
                return None
            self.close()
        client = self._client
        try:
            with gevent.Timeout(client.timeout_seconds, TimeoutError):
                self._stream = connect(client.address.host, client.address.port, context=client.context)
        except OSError as error:
            outcome, reason = connection_fault(error)
            return Answer(outcome, reason)
        return None

    def ask(self, request: bytes, *, since: float, is_head: bool = False) -> Answer:
        """Send a request on the open connection; return its answer, or what became of it."""
        stream = self._stream
        if stream is None:
            raise RuntimeError("a connection is opened before something is asked on it")
        self._is_overdue = False
        self._client.watch(self, since=since)
        try:
            stream.send(request)
            answer, is_kept = _read(stream, is_head=is_head)
        except BrokenAnswerError as error:
            answer, is_kept = self._trouble(error.outcome, error.reason), False
        except OSError as error:
            answer, is_kept = self._trouble(Outcome.RESET, type(error).__name__), False
        finally:
            self._client.unwatch(self)
        self._used = time.perf_counter()
        if not is_kept:
            self.close()
        return answer

    def give_up(self) -> None:
        """Wake who waits for an answer: it took too long. To them this looks like the end of the connection."""
        self._client.unwatch(self)
        self._is_overdue = True
        if self._stream is not None:
            self._stream.shut()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _trouble(self, outcome: Outcome, reason: str) -> Answer:
        if self._is_overdue:
            return Answer(Outcome.TIMED_OUT, "no answer in time")
        return Answer(outcome, reason)


def _read(stream: Stream, *, is_head: bool) -> tuple[Answer, bool]:
    data = stream.receive()
    whole = None if is_head else read_whole(data)
    if whole is None:
        reader = AnswerReader(to_head=is_head)
        whole = reader.feed(data) if data else reader.end()
        while whole is None:
            data = stream.receive()
            whole = reader.feed(data) if data else reader.end()
    status, head, lower, body, is_kept = whole
    return Answer(Outcome.OK, "", status, head, lower, body), is_kept
