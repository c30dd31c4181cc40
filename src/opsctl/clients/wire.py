"""What does a server answer to bytes exactly as they are: also those that a well-behaved client would never send."""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from _typeshed import WriteableBuffer

_LARGEST_BODY_BYTES = 4 * 1024 * 1024
# A server that sends a byte now and then never lets a single wait end; this many of them is all that one answer gets.
_WAITS_FOR_AN_ANSWER = 3

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WireAnswer:
    """A whole answer; names of headers in lower case, in the order in which they came."""

    status: int
    headers: Fields
    body: bytes
    seconds: float

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]

    def first(self, name: str) -> str:
        """Return the first value of a header, or nothing."""
        return next(iter(self.all(name)), "")


class SilentError(NotReadyError):
    """The server has taken everything that was sent, and neither answers nor ends the connection."""


class _InTime(RawIOBase):
    """What a connection sends, until a moment comes; each wait is no longer than the connection's own either."""

    def __init__(self, connection: socket.socket, *, seconds: float) -> None:
        super().__init__()
        self._connection = connection
        self._seconds = seconds
        self._ends = time.monotonic() + seconds * _WAITS_FOR_AN_ANSWER

    def makefile(self, _mode: str) -> BufferedReader:
        """Return it as a file, as a socket does for `http.client`."""
        return BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        left_seconds = self._ends - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError
        self._connection.settimeout(min(self._seconds, left_seconds))
        try:
            return self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(self._seconds)


class Wire:
    """One connection to a server, made when it is first needed and made anew when the server ends it.

    It follows no redirection, keeps no cookie and repeats nothing by itself but a request to a server that had ended
    an idle connection.
    """

    def __init__(self, base_url: str, *, seconds: float = 10.0) -> None:
        parts = urlsplit(base_url)
        self.host = parts.hostname or ""
        self.is_tls = parts.scheme == "https"
        self.port = parts.port or (443 if self.is_tls else 80)
        self.base_path = parts.path.rstrip("/")
        self._seconds = seconds
        self._socket: socket.socket | None = None

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Tell whether the server goes on with the connection after its last answer."""
        return self._socket is not None

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, method: str, target: str, *, headers: Fields = (), body: bytes | None = None) -> WireAnswer:
        """Send one request and return its answer, of whatever status.

        Raises:
            NotReadyError: WIR001 nobody listens, or what came is no answer.
        """
        head = _head(method, self.base_path + target, host=self._host_header, headers=headers, body=body)
        answer = self.send(head + (body or b""), method=method)
        if answer is None:
            answer = self.send(head + (body or b""), method=method)
        if answer is None:
            raise self._trouble("the server ended the connection without an answer")
        return answer

    def send(self, *pieces: bytes, method: str = "GET", pause_seconds: float = 0.0) -> WireAnswer | None:
        """Send bytes as they are, with pauses in between; None where the server ends the connection without an answer.

        Raises:
            NotReadyError: WIR001 nobody listens; `SilentError` when there was no whole answer in time, also where bytes
                come one by one.
        """
        began = time.monotonic()
        connection = self.connected()
        # An answer may lie there although the rest is not wanted, or not taken.
        with suppress(ConnectionError, TimeoutError):
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(pause_seconds)
                connection.sendall(piece)
        return self._answer(connection, method=method, began=began)

    def _answer(self, connection: socket.socket, *, method: str, began: float) -> WireAnswer | None:
        stream = _InTime(connection, seconds=self._seconds)
        response = HTTPResponse(cast("socket.socket", stream), method=method)
        try:
            response.begin()
            body = response.read(_LARGEST_BODY_BYTES)
        except TimeoutError as error:
            self.close()
            raise SilentError(
                f"`{self._host_header}` neither answers nor ends the connection",
                code="WIR001",
                why=f"there was no whole answer within {time.monotonic() - began:.3g} s",
                fix="see whether the service is well: opsctl status",
            ) from error
        except (OSError, HTTPException):
            self.close()
            return None
        if response.will_close or not response.isclosed():
            self.close()
        return WireAnswer(
            status=response.status,
            headers=[(name.lower(), value) for name, value in response.getheaders()],
            body=body,
            seconds=time.monotonic() - began,
        )

    def connected(self) -> socket.socket:
        """Return the connection itself; it is made where there is none.

        Raises:
            NotReadyError: WIR001 nobody listens.
        """
        if self._socket is None:
            try:
                opened = socket.create_connection((self.host, self.port), timeout=self._seconds)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.is_tls:
                    opened = ssl.create_default_context().wrap_socket(opened, server_hostname=self.host)
            except OSError as error:
                raise self._trouble(str(error)) from error
            self._socket = opened
        return self._socket

    @property
    def _host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def _trouble(self, why: str) -> NotReadyError:
        return NotReadyError(
            f"`{self._host_header}` does not answer",
            code="WIR001",
            why=why,
            fix="see whether the service is well: opsctl status",
        )


def _head(method: str, target: str, *, host: str, headers: Fields, body: bytes | None) -> bytes:
    lines = [f"{method} {target} HTTP/1.1"]
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
