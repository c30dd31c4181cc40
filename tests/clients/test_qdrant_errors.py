"""Whatever a server answers, or does not, comes out as an OpsError with a code, the server's words and a fix."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_errors import is_transient
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.errors import NotReadyError, OpsError

ASKS: dict[str, Callable[[QdrantStore], object]] = {
    "through qdrant-client": lambda store: store.aliases(),
    "through the bulk path": lambda store: store.scroll("content", limit=1),
}


class Answering(ThreadingHTTPServer):
    """A server that gives one answer to everything, and remembers the headers."""

    status = 200
    body = b"{}"
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.headers: list[dict[str, str]] = []
        self.connections = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Answering

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def _answer(self) -> None:
        self.server.headers.append({key.lower(): value for key, value in self.headers.items()})
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[Answering]:
    """Give a server on loopback."""
    answering = Answering()
    thread = threading.Thread(target=answering.serve_forever, daemon=True)
    thread.start()
    yield answering
    answering.shutdown()
    answering.server_close()
    thread.join()


def failure_of(place: QdrantPlace, ask: str) -> OpsError:
    """Return the error of one request."""
    with QdrantStore(place) as store, pytest.raises(OpsError) as failure:
        ASKS[ask](store)
    return failure.value


@pytest.mark.slow
@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "COL005"),
        (401, "COL003"),
        (403, "COL003"),
        (404, "COL006"),
        (422, "COL005"),
        (429, "COL004"),
        (500, "COL004"),
        (503, "COL004"),
        (507, "COL007"),
    ],
)
def test_every_status_has_its_code_and_keeps_the_servers_words(
    server: Answering, ask: str, status: int, code: str
) -> None:
    """The words of the server are the why of the error, on both paths."""
    server.status = status
    server.body = json.dumps({"status": {"error": "the words of the server"}, "time": 0.0}).encode()

    error = failure_of(QdrantPlace(url=server.url), ask)

    assert (error.code, is_transient(error)) == (code, code == "COL004")
    assert error.why == "the words of the server"
    assert error.fix


@pytest.mark.parametrize("ask", ASKS)
def test_a_server_that_is_not_there_is_not_ready(ask: str) -> None:
    """A closed port is COL001, which is worth another try."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    error = failure_of(QdrantPlace(url=f"http://127.0.0.1:{port}"), ask)

    assert isinstance(error, NotReadyError)
    assert (error.code, is_transient(error)) == ("COL001", True)


@pytest.mark.parametrize("ask", ASKS)
def test_a_server_that_never_answers_is_timed_out(ask: str) -> None:
    """An open port without an answer is COL002."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        error = failure_of(QdrantPlace(url=url, timeout_seconds=1.0), ask)

    assert (error.code, is_transient(error)) == ("COL002", True)


@pytest.mark.slow
@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("body", [b"<html>a proxy</html>", b'{"hello": "world"}'])
def test_another_service_at_the_address_is_recognised(server: Answering, ask: str, body: bytes) -> None:
    """An answer that is not Qdrant's is no crash."""
    server.body = body

    assert failure_of(QdrantPlace(url=server.url), ask).code == "COL008"


@pytest.mark.parametrize("ask", ASKS)
def test_the_key_travels_in_its_header_and_nowhere_else(server: Answering, ask: str) -> None:
    """The key is sent on both paths and never shown."""
    server.status, server.body = 401, b'{"status": {"error": "no"}}'
    place = QdrantPlace(url=server.url, api_key="s3cret")

    error = failure_of(place, ask)

    assert server.headers[-1]["api-key"] == "s3cret"
    assert "s3cret" not in f"{place!r} {error.message} {error.why} {error.fix}"


def test_the_bulk_path_keeps_its_connection(server: Answering) -> None:
    """One thread uses one connection for all its requests."""
    server.body = b'{"result": {"points": [], "next_page_offset": null}, "status": "ok", "time": 0.0}'

    with QdrantStore(QdrantPlace(url=server.url)) as store:
        for _request in range(5):
            store.scroll("content", limit=1)

    assert (server.connections, len(server.headers)) == (1, 5)
