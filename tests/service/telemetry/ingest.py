"""A real small server that takes what Sentry's client sends, and keeps it."""

import gzip
import importlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Ingest:
    """What has come, and where to send it.

    Attributes:
        bodies: of all requests, unpacked.
        holds: while it is not set, nobody gets an answer.
    """

    bodies: list[bytes] = field(default_factory=list)
    port: int = 0
    holds: threading.Event = field(default_factory=threading.Event)

    @property
    def dsn(self) -> str:
        """Return the address as Sentry writes it."""
        return f"http://publickey@127.0.0.1:{self.port}/7"

    @property
    def events(self) -> list[dict[str, Any]]:
        """Return the events: each envelope is a line of its own head, then a head and a body for each thing in it."""
        found = []
        for body in self.bodies:
            lines = [json.loads(line) for line in body.split(b"\n") if line]
            found += [
                payload
                for head, payload in zip(lines[1::2], lines[2::2], strict=True)
                if head["type"] == "event"
            ]
        return found


def unpacked(body: bytes, how: str) -> bytes:
    """Return a body as it was before it was packed; the client takes brotli where that is installed."""
    match how:
        case "gzip":
            return gzip.decompress(body)
        case "br":
            found: bytes = importlib.import_module("brotli").decompress(body)
            return found
        case _:
            return body


@contextmanager
def ingest(*, answers: bool = True) -> Iterator[Ingest]:
    """Take what comes, until the block ends."""
    taken = Ingest()
    if answers:
        taken.holds.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.holds.wait(30)
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.bodies.append(unpacked(body, self.headers.get("content-encoding", "")))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's word
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        taken.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield taken
        finally:
            taken.holds.set()
            server.shutdown()
            thread.join()
