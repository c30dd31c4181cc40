"""Many points at once: what a server would refuse as too large goes in parts."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from opsctl.clients.qdrant_bulk import QdrantBulk
from opsctl.clients.qdrant_values import Parcel, QdrantPlace

_LIMIT_BYTES = 32 * 1024 * 1024  # Qdrant's default
_POINTS: list[dict[str, Any]] = [
    {"id": number, "vector": [0.5], "payload": {"text": f"{number}" * 5_000_000}} for number in range(9)
]


class Server(ThreadingHTTPServer):
    """Takes points as Qdrant does, up to its limit."""

    ids: list[int]
    bodies: int


class Handler(BaseHTTPRequestHandler):
    """Answers a PUT of points."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        """Keep the ids, or refuse a body that is too large."""
        size = int(self.headers["content-length"])
        body = self.rfile.read(size)
        assert isinstance(self.server, Server)
        status = 200 if size <= _LIMIT_BYTES else 413
        if status == 200:
            self.server.bodies += 1
            self.server.ids += [point["id"] for point in json.loads(body)["points"]]
        answer = b'{"result":{},"status":"ok","time":0}'
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a running server."""
    with Server(("127.0.0.1", 0), Handler) as running:
        running.ids, running.bodies = [], 0
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_batch_beyond_the_limit_of_a_server_goes_in_parts(server: Server, *, is_sealed: bool) -> None:
    """Forty-five megabytes arrive whole and in order, as points or as a sealed page."""
    bulk = QdrantBulk(QdrantPlace(url=f"http://127.0.0.1:{server.server_port}"))
    sealed = orjson.dumps(_POINTS) if is_sealed else None

    bulk.deliver("a", Parcel(count=9, next_offset=None, points=_POINTS, sealed=sealed), wait=True)
    bulk.close()

    assert server.ids == list(range(9))
    assert server.bodies == 2
