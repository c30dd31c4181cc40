"""How long does a small server of ours wait for a client: what it asks for has to be there as a whole within a time.

The time limit of a socket is for each piece alone, so a client that sends a byte now and then would hold its thread for ever.
"""

import io
import socketserver
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import socket

REQUEST_SECONDS = 10.0


class Connection(Protocol):
    """As much of a socket as is read from."""

    def settimeout(self, value: float | None, /) -> None: ...  # noqa: D102

    def recv_into(self, buffer: Any, /) -> int: ...  # noqa: D102


class Arriving(io.RawIOBase):
    """What a client sends, as long as its time is not over.

    Args:
        connection: where it comes from.
        write_seconds: time limit that the connection has while nothing is read.
        monotonic: seconds of a clock that never goes back.
    """

    def __init__(
        self, connection: Connection, *, write_seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection = connection
        self._write_seconds = write_seconds
        self._monotonic = monotonic
        self._until = monotonic() + write_seconds

    def give(self, seconds: float) -> None:
        """Let everything that comes next take so long together."""
        self._until = self._monotonic() + seconds

    def readable(self) -> bool:
        """Return that this is for reading."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Take what has come, or wait for it.

        Raises:
            TimeoutError: the time is over.
        """
        left = self._until - self._monotonic()
        if left <= 0:
            raise TimeoutError("the client took too long")
        self._connection.settimeout(left)
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(self._write_seconds)


class PromptStream(socketserver.StreamRequestHandler):
    """A conversation that reads through `arriving`."""

    timeout: ClassVar[float] = REQUEST_SECONDS
    arriving: Arriving

    def setup(self) -> None:
        """Put what knows the time in the place of the plain reader."""
        super().setup()
        self.rfile.close()
        connection: socket.socket = self.connection
        self.arriving = Arriving(connection, write_seconds=self.timeout)
        self.rfile = io.BufferedReader(self.arriving)


class PromptHandler(PromptStream, BaseHTTPRequestHandler):
    """Answers HTTP; a request, its body and the wait for it on a kept connection have `timeout` seconds together."""

    def handle_one_request(self) -> None:
        """Answer one request; a connection that does not bring it in time is closed."""
        self.arriving.give(self.timeout)
        super().handle_one_request()


def make_prompt_server(
    handler: type[PromptHandler], *, host: str, port: int, **given: object
) -> ThreadingHTTPServer:
    """Return a server, each connection in a thread that keeps no process alive; `given` is set on the handlers.

    Raises:
        OSError: the port is taken.
    """
    return ThreadingHTTPServer((host, port), type("Handler", (handler,), given))
