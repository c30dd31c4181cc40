"""The rendered Worker under Cloudflare's own runtime, before an origin of which a test says what it does."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INSTALLED = (HERE / "node_modules" / "miniflare").is_dir() and shutil.which("node") is not None
KEPT = "max-age=0, s-maxage={fresh}, stale-while-revalidate={stale}, stale-if-error={error}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the origin saw it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True, kw_only=True)
class Reply:
    """What the origin answers."""

    status: int = 200
    body: bytes = b'{"items":[]}'
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def feed(
    body: str = '{"items":[1,2]}',
    *,
    fresh: float = 300,
    stale: float = 60,
    error: float = 3600,
    tags: str = "content-1,content-2",
    etag: str | None = None,
    seconds: float = 0.0,
    **headers: str,
) -> Reply:
    """Return a feed as the service answers it with `shared_caches`."""
    return Reply(
        body=body.encode(),
        headers={
            "Content-Type": "application/json",
            "Cache-Control": KEPT.format(fresh=int(fresh), stale=int(stale), error=int(error)),
            "Vary": "authorization",
            "Cache-Tag": tags,
            "ETag": etag or f'"{abs(hash(body))}"',
            "X-Cache": "MISS",
            "RateLimit-Limit": "1000",
            "RateLimit-Remaining": "999",
            "X-Request-Id": "origin-1",
            "Server-Timing": "score;dur=3.1, edge;dur=0.2",
            "X-Content-Type-Options": "nosniff",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
        seconds=seconds,
    )


class Origin:
    """A service on loopback: it takes some keys, and answers what it is told to, by path."""

    def __init__(self) -> None:
        self.keys = {"Bearer good", "Bearer other"}
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], Reply] = lambda _: feed()
        self.is_up = True
        self._lock = threading.Lock()

    def count(self, path: str) -> int:
        """Return how often a path was asked for, whatever its query."""
        return sum(each.path.split("?")[0] == path for each in self.asked)

    def reply(self, asked: Asked) -> Reply:
        """Return what is answered: keys and what a client has already are looked at first, as the service does."""
        with self._lock:
            self.asked.append(asked)
        if asked.path.startswith("/v1/") and asked.headers.get("authorization") not in self.keys:
            return Reply(
                status=401, body=b'{"code":"SVC102"}', headers={"Content-Type": "application/problem+json"}
            )
        reply = self.answer(asked)
        time.sleep(reply.seconds)
        if reply.status == 200 and asked.headers.get("if-none-match") == reply.headers.get("ETag"):
            return Reply(
                status=304,
                body=b"",
                headers={name: reply.headers[name] for name in ("ETag", "Cache-Control")},
            )
        return reply


@contextmanager
def running_origin(origin: Origin) -> Iterator[str]:
    """Give the address of an origin that answers until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if not origin.is_up:
                self.close_connection = True
                return
            reply = origin.reply(Asked(method=self.command, path=self.path, headers=headers, body=body))
            self.send_response_only(reply.status)
            own = {name: value for name, value in reply.headers.items() if name.lower() != "content-length"}
            for name, value in {**own, "Content-Length": str(len(reply.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815 - their names there

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running_worker(folder: Path, *, origin: str, options: tuple[str, ...] = ()) -> Iterator[str]:
    """Give the address of a rendered Worker that runs until the block ends."""
    words: list[str | Path] = ["node", HERE / "start.mjs", folder, origin, *options]
    log = (folder / "worker.log").open("w")
    with (
        log,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        too_late = threading.Timer(60, process.kill)
        too_late.start()
        try:
            line = next((each for each in process.stdout if each.startswith("ready ")), "")
            too_late.cancel()
            if not line:
                raise RuntimeError((folder / "worker.log").read_text())
            yield line.split()[1]
        finally:
            too_late.cancel()
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
