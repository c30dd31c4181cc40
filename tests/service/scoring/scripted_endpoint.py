"""A real HTTP server that answers chat completions as a test tells it, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer; `drops` closes the connection instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after_seconds: float = 0.0
    drops: bool = False


@dataclass(slots=True, kw_only=True)
class Scripted:
    """Where the server answers, and the requests it got: path, headers, body."""

    url: str
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)


def completion(text: str, **usage: Any) -> bytes:
    """Return the body of a chat completion with this text."""
    answer: dict[str, Any] = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    return json.dumps(answer | ({"usage": usage} if usage else {})).encode()


def all_scored(request: dict[str, Any], *, score: float = 0.5) -> bytes:
    """Return a body in which every item that was sent has the same score."""
    sent = json.loads(request["messages"][-1]["content"])["items"]
    return completion(json.dumps({"scores": [{"id": each["id"], "score": score} for each in sent]}))


@contextmanager
def scripted_endpoint(replies: Sequence[Reply | Callable[[dict[str, Any]], Reply]]) -> Iterator[Scripted]:
    """Serve the replies in their order, the last one again and again."""
    ending, turns = threading.Event(), iter(range(10**6))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = json.loads(self.rfile.read(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            scripted.requests.append((self.path, headers, body))
            chosen = replies[min(next(turns), len(replies) - 1)]
            self._send(chosen(body) if callable(chosen) else chosen)

        def _send(self, reply: Reply) -> None:
            if reply.after_seconds:
                ending.wait(reply.after_seconds)
            if reply.drops:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that gave up are part of the tests
    scripted = Scripted(url=f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield scripted
    finally:
        ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
