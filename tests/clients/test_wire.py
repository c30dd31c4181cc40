"""Bytes on a wire: a server that never comes to an end is left in time, whatever it does meanwhile."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from opsctl.clients.wire import SilentError, Wire

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Give the address of a server that talks to each client in this way."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        talk(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def dripping(start: bytes, piece: bytes) -> Callable[[socket.socket], None]:
    """Return the way of a server that sends a little now and then, for ever."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(0.05)

    return talk


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD, b"X"),
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD + b"\r\n", b"x"),
    ],
    ids=["continue", "header", "length", "chunks", "until the end"],
)
def test_an_answer_that_never_ends_is_left_in_time(start: bytes, piece: bytes) -> None:
    """Each byte comes in time, and the answer does not."""
    began = time.monotonic()
    with (
        server(dripping(start, piece)) as url,
        Wire(url, seconds=0.2) as wire,
        pytest.raises(SilentError, match="neither answers nor ends"),
    ):
        wire.ask("GET", "/")

    assert time.monotonic() - began < 3


def test_a_server_that_takes_nothing_is_silent() -> None:
    """That is no defect of who asks."""

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        time.sleep(1.5)

    with server(talk) as url, Wire(url, seconds=0.2) as wire, pytest.raises(SilentError):
        wire.ask("POST", "/", body=b"x" * 50_000_000)


def test_a_slow_answer_is_taken_and_the_connection_goes_on() -> None:
    """A pause is none too long, and the second answer comes over the same connection."""

    def talk(connection: socket.socket) -> None:
        for _ in range(2):
            connection.recv(65536)
            for piece in (HEAD, b"Content-Length: 2\r\n", b"\r\n", b"ok"):
                connection.sendall(piece)
                time.sleep(0.05)

    with server(talk) as url, Wire(url, seconds=2.0) as wire:
        assert [wire.ask("GET", "/").body for _ in range(2)] == [b"ok", b"ok"]
        assert wire.is_open
