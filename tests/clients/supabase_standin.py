"""A stand-in for hosted Supabase: as much of its documented Data and Storage APIs as opsctl uses, with faults on order.

It is no Supabase, and proves nothing about one. It lets the tests see what Supabase Lite cannot be made to do, and
what holds where Node is missing. See https://supabase.com/docs/reference/self-hosting-storage for the Storage API.
"""

import email.parser
import email.policy
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SECRET_KEY = "sb_secret_of_the_standin"


@dataclass(slots=True)
class StandIn:
    """What the server holds, and what it does wrong: none, html, cut, slow, busy, redirect, too_large."""

    url: str = ""
    bucket: str = "opsctl"
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    max_rows: int = 1000
    fault: str = "none"
    requests: list[str] = field(default_factory=list)


@contextmanager
def running_standin() -> Iterator[StandIn]:
    """Serve on loopback for the time of a block."""
    state = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        self.state.requests.append(f"{self.command} {unquote(self.path)}")
        path = [unquote(part) for part in parts.path.strip("/").split("/")]
        if self.state.fault == "slow":
            time.sleep(0.5)
        if self.state.fault == "html":
            self._answer(200, b"<html>welcome</html>", kind="text/html")
        elif self.state.fault == "redirect":
            self._answer(302, b"", kind="text/plain")
        elif self.state.fault == "busy":
            self._answer(502, b"<html>bad gateway</html>", kind="text/html")
        elif self.headers.get("apikey") != SECRET_KEY:
            self._json(401, {"message": "Invalid API key", "hint": "Double check your Supabase `apikey`"})
        elif path[:2] == ["rest", "v1"]:
            self._rows(path[2], {name: values[0] for name, values in parse_qs(parts.query).items()})
        else:
            self._storage(path[2:], body)

    def _rows(self, table: str, asked: dict[str, str]) -> None:
        if table not in self.state.tables:
            message = f"Could not find the table 'public.{table}' in the schema cache"
            self._json(404, {"code": "PGRST205", "message": message, "hint": None, "details": None})
            return
        rows = self.state.tables[table]
        if key := asked.get("order", "").partition(".")[0]:
            condition, _, value = asked.get(key, "").partition(".")
            there = [row for row in rows if row[key] is not None]
            if condition == "is":
                there = [row for row in rows if row[key] is None]
            elif condition == "gte":
                there = [row for row in there if row[key] >= type(row[key])(value)]
            rows = sorted(there, key=lambda row: row[key] or 0)
        self._json(200, rows[: min(int(asked["limit"]), self.state.max_rows)])

    def _storage(self, path: list[str], body: bytes) -> None:
        state = self.state
        match self.command, path:
            case "GET", ["bucket", bucket] if bucket == state.bucket:
                self._json(200, {"id": bucket, "name": bucket, "public": False})
            case "POST", ["object", "list", bucket]:
                # Not every server refuses to list a bucket that is not there.
                self._json(200, self._listed(json.loads(body)) if bucket == state.bucket else [])
            case (_, ["bucket", _]) | (_, ["object", _, *_]) if path[1] != state.bucket:
                self._refuse("404", "Bucket not found", "Bucket not found")
            case "POST", ["object", _, key] if state.fault == "too_large":
                self._refuse("413", "Payload too large", "The object exceeded the maximum allowed size")
            case "POST", ["object", bucket, key] if key in state.objects:
                self._refuse("409", "Duplicate", "The resource already exists")
            case "POST", ["object", bucket, key]:
                state.objects[key] = self._file_of(body)
                self._json(200, {"Key": f"{bucket}/{key}", "Id": "0"})
            case "DELETE", ["object", _]:
                gone = [
                    key for key in json.loads(body)["prefixes"] if state.objects.pop(key, None) is not None
                ]
                self._json(200, [{"name": key} for key in gone])
            case "GET", ["object", _, key] if key in state.objects:
                self._answer(200, state.objects[key], kind="application/octet-stream")
            case _:
                self._refuse("404", "not_found", "Object not found")

    def _listed(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        names = sorted(name for name in self.state.objects if name.startswith(asked["search"]))
        first = asked["offset"]
        moment = "2026-01-02T03:04:05.678Z"
        return [
            {
                "name": name,
                "id": "0",
                "created_at": moment,
                "metadata": {"size": len(self.state.objects[name])},
            }
            # The server gives fewer than asked for, as a real one may.
            for name in names[first : first + min(asked["limit"], 2)]
        ]

    def _file_of(self, body: bytes) -> bytes:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        found = [part for part in message.iter_parts() if part.get_filename()]
        return bytes(found[0].get_payload(decode=True))

    def _refuse(self, status: str, error: str, message: str) -> None:
        self._json(400, {"statusCode": status, "error": error, "message": message})

    def _json(self, status: int, value: Any) -> None:
        self._answer(status, json.dumps(value).encode(), kind="application/json")

    def _answer(self, status: int, content: bytes, *, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if status == 302:
            self.send_header("Location", f"{self.state.url}/elsewhere")
        self.end_headers()
        if self.state.fault == "cut" and kind == "application/octet-stream":
            self.close_connection = True
            return
        self.wfile.write(content)
