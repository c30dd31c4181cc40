"""A stand-in for Cloudflare KV: a real HTTP server that answers as the API's documentation says, limits included.

It has not been held against Cloudflare itself; what it knows is on
https://developers.cloudflare.com/api/resources/kv/subresources/namespaces/ .
"""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "0123456789abcdef0123456789abcdef"
NAMESPACE = "fedcba9876543210fedcba9876543210"
TOKEN = "token-of-the-stand-in"
PATH = f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces/{NAMESPACE}"


class RefusedError(Exception):
    """The API would answer with this status and code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class StandIn(ThreadingHTTPServer):
    """The namespace; `calls` holds method, path and number of keys of each call, `refuse` a status for every call."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.values: dict[str, tuple[bytes, float]] = {}
        self.calls: list[tuple[str, str, int]] = []
        self.refuse: int | None = None
        self.page = 1000

    @property
    def url(self) -> str:
        """Return the address that stands for `https://api.cloudflare.com/client/v4`."""
        return f"http://127.0.0.1:{self.server_port}/client/v4"

    def live(self) -> dict[str, bytes]:
        """Return what is there now."""
        return {key: value for key, (value, ends) in self.values.items() if ends > time.time()}

    def bulk_get(self, body: Any) -> dict[str, Any]:
        """At most 100 keys, text values only."""
        keys = body["keys"]
        if len(keys) > 100:
            raise RefusedError(400, 10147, "too many keys")
        live = self.live()
        found = {key: live.get(key) for key in keys}
        try:
            return {
                "values": {key: None if value is None else value.decode() for key, value in found.items()}
            }
        except UnicodeDecodeError as error:
            raise RefusedError(400, 10146, "a value is not text") from error

    def bulk_put(self, body: Any) -> dict[str, Any]:
        """At most 10,000 pairs, each kept for 60 s or more."""
        if len(body) > 10_000:
            raise RefusedError(413, 10144, "too many pairs")
        for pair in body:
            seconds = pair.get("expiration_ttl", 10**9)
            if seconds < 60:
                raise RefusedError(400, 10033, "invalid expiration_ttl")
            if not 0 < len(pair["key"].encode()) <= 512:
                raise RefusedError(414, 10030, "invalid key")
            raw = pair["value"]
            value = base64.b64decode(raw) if pair.get("base64") else raw.encode()
            self.values[pair["key"]] = (value, time.time() + seconds)
        return {"successful_key_count": len(body), "unsuccessful_keys": []}

    def bulk_delete(self, body: Any) -> dict[str, Any]:
        """At most 10,000 keys; those that are not there count too."""
        if len(body) > 10_000:
            raise RefusedError(413, 10145, "too many keys")
        for key in body:
            self.values.pop(key, None)
        return {"successful_key_count": len(body), "unsuccessful_keys": []}

    def list_keys(self, query: dict[str, list[str]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Pages of 10 to 1,000 names with a cursor, empty on the last page."""
        limit = int(query.get("limit", ["1000"])[0])
        if not 10 <= limit <= 1000:
            raise RefusedError(400, 10029, "invalid limit")
        prefix, start = query.get("prefix", [""])[0], int(query.get("cursor", ["0"])[0])
        names = sorted(name for name in self.live() if name.startswith(prefix))
        end = start + min(limit, self.page)
        page = [{"name": name} for name in names[start:end]]
        return page, {"count": len(page), "cursor": str(end) if end < len(names) else ""}


class _Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        try:
            result, more = self._result(parts.path, parse_qs(parts.query), body)
            answer = {"success": True, "errors": [], "messages": [], "result": result} | more
            status = 200
        except RefusedError as error:
            errors = [{"code": error.code, "message": str(error)}]
            status, answer = (
                error.status,
                {"success": False, "errors": errors, "messages": [], "result": None},
            )
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _result(self, path: str, query: dict[str, list[str]], body: Any) -> tuple[Any, dict[str, Any]]:
        if self.server.refuse is not None:
            raise RefusedError(self.server.refuse, 10013, "told to refuse")
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise RefusedError(401, 10000, "Authentication error")
        call = (self.command, path.removeprefix(PATH))
        self.server.calls.append((*call, len(body["keys"] if isinstance(body, dict) else body or ())))
        match call:
            case ("POST", "/bulk/get"):
                return self.server.bulk_get(body), {}
            case ("PUT", "/bulk"):
                return self.server.bulk_put(body), {}
            case ("POST", "/bulk/delete"):
                return self.server.bulk_delete(body), {}
            case ("GET", "/keys"):
                page, info = self.server.list_keys(query)
                return page, {"result_info": info}
            case _:
                raise RefusedError(404, 7003, "no route")


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """Run the stand-in for the time of a `with` block."""
    server = StandIn()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
