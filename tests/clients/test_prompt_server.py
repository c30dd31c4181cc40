"""A client that sends a byte now and then is let go in time by every small server of ours; one in a hurry is served."""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, cast

import pytest
from tests.fakes.clock import FakeClock

from opsctl.clients.prompt_server import Arriving, PromptStream, make_prompt_server
from opsctl.dashboards.preview_server import make_preview_server
from opsctl.exporters.serve import ExporterHandler
from opsctl.exporters.shelf import Shelf
from opsctl.stack.sink import mail
from opsctl.stack.sink.store import Store
from opsctl.stack.sink.web import make_web_server

if TYPE_CHECKING:
    from opsctl.dashboards.preview import Preview

_SHORT_SECONDS = 0.2


class Dripping:
    """A connection over which a byte comes each second, and the time limits that it was given."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.limits: list[float | None] = []

    def settimeout(self, value: float | None, /) -> None:
        """Note it."""
        self.limits.append(value)

    def recv_into(self, buffer: Any, /) -> int:
        """Give one byte, a second later."""
        self._clock.sleep(1)
        buffer[:1] = b"a"
        return 1


def test_all_pieces_of_a_request_share_one_time():
    """A limit of the socket alone would begin anew with each byte."""
    clock = FakeClock()
    connection = Dripping(clock)
    arriving = Arriving(connection, write_seconds=10, monotonic=clock.monotonic)
    arriving.give(5)

    with pytest.raises(TimeoutError):
        io.BufferedReader(arriving).readline()

    assert clock.seconds == pytest.approx(5, abs=0.01)
    waits, writes = connection.limits[::2], connection.limits[1::2]
    assert waits == pytest.approx([5, 4, 3, 2, 1], abs=0.01)
    assert writes == [10] * 5


def test_the_next_request_of_a_connection_has_a_time_of_its_own():
    """A client that is kept is no slow one."""
    clock = FakeClock()
    arriving = Arriving(Dripping(clock), write_seconds=10, monotonic=clock.monotonic)
    for _ in range(3):
        arriving.give(5)
        assert arriving.read(1) == b"a"
        clock.sleep(4)


_MAKERS: dict[str, Callable[[Path], TCPServer]] = {
    "the exporter": lambda _: make_prompt_server(
        ExporterHandler, host="127.0.0.1", port=0, shelf=Shelf([], clock=FakeClock())
    ),
    "the sink's page": lambda folder: make_web_server(Store(folder), host="127.0.0.1", port=0),
    "the sink's mail": lambda folder: mail.make_mail_server(Store(folder), host="127.0.0.1", port=0),
    "the preview": lambda _: make_preview_server(cast("Preview", None), port=0),
}


@pytest.fixture(params=_MAKERS)
def port(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Run one of the servers, with a shorter time than it has."""
    monkeypatch.setattr(PromptStream, "timeout", _SHORT_SECONDS)
    monkeypatch.setattr(mail, "_SECONDS", _SHORT_SECONDS)
    with _running(_MAKERS[request.param](tmp_path)) as port:
        yield port


@contextmanager
def _running(server: TCPServer) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


def test_a_client_that_drips_its_head_is_let_go(port: int):
    """Each byte comes well within the time that the socket alone would have."""
    began = time.monotonic()

    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.settimeout(_SHORT_SECONDS / 4)
        connection.sendall(b"GET /metrics HTTP/1.1\r\nX-A: ")
        is_over = False
        while not is_over and time.monotonic() - began < 5:
            is_over = _has_hung_up(connection)

    assert is_over
    assert time.monotonic() - began >= _SHORT_SECONDS


def _has_hung_up(connection: socket.socket) -> bool:
    """Tell whether the server is gone; else send one byte more. What the mail server says first is no end."""
    try:
        if not connection.recv(100):
            return True
    except TimeoutError:
        pass
    except OSError:
        return True
    with suppress(OSError):
        connection.sendall(b"a")
    return False


def test_a_client_in_no_hurry_to_end_is_served():
    """The head in two pieces, within the time."""
    shelf = Shelf([], clock=FakeClock())
    server = make_prompt_server(ExporterHandler, host="127.0.0.1", port=0, shelf=shelf)
    with _running(server) as port, socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET /-/ready HT")
        time.sleep(0.02)
        connection.sendall(b"TP/1.0\r\n\r\n")

        received = b"".join(iter(lambda: connection.recv(1000), b""))

    assert received.startswith(b"HTTP/1.0 200")
    assert received.endswith(b"ready\n")
