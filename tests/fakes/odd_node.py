"""A node of Qdrant that answers as it is told to, such as one of a cluster, one that is failing, or one that is slow."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Visit(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def say(self, status: int, body: bytes, *, length: int | None = None) -> None:
        """Answer with bytes; a `length` that is not theirs promises others."""
        self.send_response(status)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        with suppress(ConnectionError):  # who asked may have given up
            self.wfile.write(body)
        self.close_connection = True

    def say_result(self, result: Any, *, status: int = 200) -> None:
        """Answer in Qdrant's envelope."""
        said = "ok" if status < 400 else {"error": result}
        self.say(status, json.dumps({"result": result, "status": said, "time": 0.0}).encode())

    def read(self) -> bytes:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("content-length", 0)))


@contextmanager
def odd_node(answers: dict[tuple[str, str], Callable[[Visit], None]]) -> Iterator[str]:
    """Serve answers by method and path (without its query, or `*`), and give the address; the rest is not there."""

    class _Visit(Visit):
        def _do(self) -> None:
            known = answers.get((self.command, self.path.partition("?")[0]))
            answer = known or answers.get((self.command, "*"))
            if answer is None:
                self.say_result("not here", status=404)
            else:
                answer(self)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815 - the names that http.server asks for

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Visit)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
