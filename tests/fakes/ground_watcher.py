"""A watcher that answers as it is told: to a wish to reload, and to the question which silences it holds."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class AnsweringWatcher:
    """What it answers; `reloads` counts the wishes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reload_status = 200
        self.reloads = 0
        self.silences: list[dict[str, Any]] = []


@contextmanager
def answering_watcher() -> Iterator[AnsweringWatcher]:
    """Run it until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            watcher.reloads += 1
            self._answer(watcher.reload_status, b"")

        def do_GET(self) -> None:
            self._answer(200, json.dumps(watcher.silences).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        watcher = AnsweringWatcher(server.server_address[1])
        threading.Thread(target=server.serve_forever, name="watcher", daemon=True).start()
        yield watcher
        server.shutdown()
