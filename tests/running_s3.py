"""A real S3 server for the tests, moto's on loopback, and a line to it that can be made to fail."""

import http.client
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from opsctl.clients.repository_s3 import S3Repository
from opsctl.clients.s3_place import S3Place

ACCESS_KEY, SECRET_KEY = "AKIATESTSOFOPSCTL", "s3cret-that-nobody-may-see"  # pragma: allowlist secret
SMALLEST_PART = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningS3:
    """The server; each place in it is a bucket of its own."""

    url: str
    client: Any
    """Amazon's own client, to look at what is really there."""

    def new_place(self, **changes: Any) -> S3Place:
        """Make a bucket and return the place in it."""
        bucket = f"backups-{uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=bucket)
        place = S3Place(
            bucket=bucket,
            prefix="our/prefix",
            endpoint=self.url,
            part_bytes=SMALLEST_PART,
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
        )
        return replace(place, **changes)

    def new_repository(self, **changes: Any) -> S3Repository:
        """Make a bucket and return it as a repository."""
        return S3Repository(self.new_place(**changes))

    @contextmanager
    def asking_who_it_is(self) -> Iterator[None]:
        """Have the server refuse every access key that it did not give out itself; usually it takes any."""
        self._set_free_actions("0")
        try:
            yield
        finally:
            self._set_free_actions("inf")

    def _set_free_actions(self, number: str) -> None:
        host = self.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.request("POST", "/moto-api/reset-auth", body=number)
        connection.getresponse().read()
        connection.close()


@contextmanager
def running_s3() -> Iterator[RunningS3]:
    """Run the server for the time of a `with` block."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        yield RunningS3(url=url, client=_client(url))
    finally:
        server.stop()


def _client(url: str) -> Any:
    import botocore.session

    return botocore.session.Session().create_client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """A request on its way, and what the server has answered by then."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    answer: bytes = b""


Spoil = Callable[[Passing], bytes | None]
"""Given a request (with status 0) and later its answer: what to answer instead, as raw bytes; None to leave it alone."""


@contextmanager
def line_to(server: RunningS3, *, spoil: Spoil) -> Iterator[str]:
    """Give the address of a line to the server on which `spoil` may answer itself, before the server or after it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # or it would not say that a body may come, and clients wait for that

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                self._pass_on()
            self.close_connection = True

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Passing(method=self.command, path=self.path, headers=dict(self.headers))
            instead = spoil(asked)
            if instead is None:
                status, answer = self._ask(body)
                instead = spoil(replace(asked, status=status, answer=answer))
                instead = answer if instead is None else instead
            self.wfile.write(instead)

        def _ask(self, body: bytes) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
            connection.request(self.command, self.path, body=body, headers=dict(self.headers))
            found = connection.getresponse()
            content = found.read()
            head = "".join(
                f"{name}: {value}\r\n" for name, value in found.getheaders() if name != "Connection"
            )
            connection.close()
            return (
                found.status,
                f"HTTP/1.1 {found.status} x\r\n{head}Connection: close\r\n\r\n".encode() + content,
            )

    line = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=line.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{line.server_port}"
    finally:
        line.shutdown()
        line.server_close()
        thread.join()
