"""Stands in front of the real service and spoils its answers in one way, as a service with that defect would give them."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_LENGTH = re.compile(r"[0-9]{1,9}")


@dataclass
class Passing:
    """A request on its way there, and its answer on the way back; a vice changes either."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answer_headers: list[tuple[str, str]] = field(default_factory=list)
    answer: bytes = b""

    @property
    def said(self) -> str:
        """Return everything that the client says, decoded."""
        return unquote(self.path) + unquote(self.body.decode(errors="replace")) + str(self.headers)

    def answer_with(self, status: int, answer: bytes = b"{}") -> None:
        """Give this answer instead."""
        self.status, self.answer = status, answer


Vice = Callable[[Passing], None]
"""Called twice: before the service is asked (`status` is 0; setting it spares the service), and after."""


@contextmanager
def spoiling(url: str, *vices: Vice) -> Iterator[str]:
    """Give the address of a service that has these vices."""
    target = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 0.3  # for messages that never end
        # Head and body are two packets: without this the second waits until the client confirms the first.
        disable_nagle_algorithm = True

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._forward
            raise AttributeError(name)

        def _forward(self) -> None:
            said = ",".join(self.headers.get_all("Content-Length") or ["0"])
            if "Transfer-Encoding" in self.headers or not _LENGTH.fullmatch(said):
                self.close_connection = (
                    True  # it passes no such message on, and a service would wait for its end
                )
                return
            length = int(said)
            headers = {name.lower(): value for name, value in self.headers.items()}
            passing = Passing(self.command, self.path, headers, self.rfile.read(length))
            _pass_on(passing, vices, host=target.hostname or "", port=target.port or 0)
            self.send_response_only(passing.status)
            for name, value in passing.answer_headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(passing.answer)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(passing.answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _pass_on(passing: Passing, vices: tuple[Vice, ...], *, host: str, port: int) -> None:
    for vice in vices:
        if not passing.status:
            vice(passing)
    if not passing.status:
        _ask(passing, host=host, port=port)
        for vice in vices:
            vice(passing)


def _ask(passing: Passing, *, host: str, port: int) -> None:
    connection = HTTPConnection(host, port, timeout=60)
    try:
        connection.request(passing.method, passing.path, body=passing.body or None, headers=passing.headers)
        answer = connection.getresponse()
        passing.status, passing.answer = answer.status, answer.read()
        passing.answer_headers = [
            (name, value)
            for name, value in answer.getheaders()
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}
        ]
    finally:
        connection.close()


def counts_by_address(passing: Passing) -> None:
    """Count the limit by what a header says, so that another address has another allowance."""
    if not passing.status and "x-forwarded-for" in passing.headers:
        passing.answer_with(200)


def limits_too_soon(passing: Passing) -> None:
    """Refuse an invalid query as if it were one too many."""
    if not passing.status and passing.path.endswith("limit=7"):
        passing.answer_headers = [("Retry-After", "1")]
        passing.answer_with(429)


def says_not_when(passing: Passing) -> None:
    """Leave out when to come again."""
    passing.answer_headers = [each for each in passing.answer_headers if each[0].lower() != "retry-after"]


def reflects_origins(passing: Passing) -> None:
    """Allow whoever asks, with credentials."""
    if passing.status and "origin" in passing.headers:
        passing.answer_headers.append(("Access-Control-Allow-Origin", passing.headers["origin"]))
        passing.answer_headers.append(("Access-Control-Allow-Credentials", "true"))


def allows_every_origin(passing: Passing) -> None:
    """Allow all."""
    if passing.status:
        passing.answer_headers.append(("Access-Control-Allow-Origin", "*"))


def without(header: str) -> Vice:
    """Return the vice of leaving out a header."""

    def vice(passing: Passing) -> None:
        passing.answer_headers = [each for each in passing.answer_headers if each[0].lower() != header]

    return vice


def lets_all_caches_keep(passing: Passing) -> None:
    """Let whoever stands in between keep feeds, and errors too."""
    if passing.status:
        without("cache-control")(passing)
        passing.answer_headers.append(("Cache-Control", "public, max-age=60"))


def names_its_server(passing: Passing) -> None:
    """Say which version of what it is."""
    if passing.status:
        passing.answer_headers.append(("Server", "Apache/2.4.1 (Unix)"))


def breaks_on_depth(passing: Passing) -> None:
    """Fail on deep JSON, as a parser that recurses does."""
    if not passing.status and passing.body.startswith(b"[[[["):
        passing.answer_with(500)


def accepts_anything(passing: Passing) -> None:
    """Record whatever cannot be read."""
    if passing.status == 400 and passing.method == "POST":
        passing.status = 200


def _value(passing: Passing, name: str) -> str:
    """Return what `/v1/trending` is asked with for a parameter, before it is asked."""
    if passing.status or not passing.path.startswith("/v1/trending"):
        return ""
    return unquote(passing.path.partition(f"{name}=")[2].partition("&")[0])


def shows_sql(passing: Passing) -> None:
    """Show what the database says of a quote."""
    if "'" in _value(passing, "region"):
        passing.answer_with(400, b'{"detail": "syntax error at or near \\"\'\\""}')


def decides_by_condition(passing: Passing) -> None:
    """Find more where the injected condition is true."""
    if "'1'='1" in _value(passing, "category"):
        passing.answer_with(200, b'{"items": [1]}')


def sleeps(passing: Passing) -> None:
    """Let the database sleep for as long as the value says."""
    value = _value(passing, "limit")
    if "pg_sleep(1)" in value and "null--" in value:
        time.sleep(1.0)


def asks_for_no_key(passing: Passing) -> None:
    """Answer without a key."""
    if passing.status == 401 and passing.path.startswith("/v1/content/") and passing.method == "GET":
        passing.status = 200


def forgets_scopes(passing: Passing) -> None:
    """Let every key delete."""
    if passing.status == 403 and passing.method == "DELETE":
        passing.status = 204


def has_a_console(passing: Passing) -> None:
    """Have a page that nobody thought of."""
    if not passing.status and passing.path == "/debug":
        passing.answer_with(200)


def mixes_readers_up(passing: Passing) -> None:
    """Give everybody the same reader's feed."""
    if passing.status == 200 and passing.path.startswith("/v1/feed/"):
        passing.answer = json.dumps(json.loads(passing.answer or b"{}") | {"user_id": 1}).encode()


def confirms_etags(passing: Passing) -> None:
    """Answer 304 before anybody looks at the key."""
    if not passing.status and passing.headers.get("if-none-match"):
        passing.answer_with(304, b"")


def shows_its_trace(passing: Passing) -> None:
    """Show a stack trace."""
    if passing.status == 404:
        passing.answer = (
            b'{"detail": "Traceback (most recent call last):\\n  File \\"/srv/app/main.py\\", line 3"}'
        )


def repeats_values(passing: Passing) -> None:
    """Say what was wrong."""
    if passing.status == 400:
        passing.answer = json.dumps({"detail": passing.said}).encode()
