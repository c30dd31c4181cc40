"""Which addresses does the sink answer: those of receivers, the list of what came, and a page to look at."""

import json
from collections.abc import Callable
from contextlib import suppress
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from opsctl.clients.prompt_server import PromptHandler, make_prompt_server
from opsctl.stack.sink.read import Told, read_pagerduty, read_slack, read_webhook
from opsctl.stack.sink.store import Store

_LARGEST_BODY_BYTES = 1024 * 1024
_SHOWN = 200
_READERS: dict[str, Callable[[str, bytes], Told]] = {
    "pagerduty": read_pagerduty,
    "slack": read_slack,
    "webhook": read_webhook,
}
_COLUMNS = ("at", "receiver", "channel", "status", "severity", "alertname", "summary", "runbook_url")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>Messages of alerts</title><style>
:root{{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}}body{{margin:2rem auto;max-width:75rem;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}th,td{{text-align:left;padding:.3rem .8rem .3rem 0;vertical-align:top}}
tr+tr td{{border-top:1px solid #8884}}.firing{{color:#c33}}.resolved{{color:#283}}.wide{{overflow-x:auto}}</style></head><body>
<h1>Messages of alerts</h1><p>What receivers would have been told; nothing has left this machine. Newest first.</p>
<div class="wide"><table><tr>{head}</tr>{rows}</table></div>{empty}</body></html>"""


def make_web_server(store: Store, *, host: str, port: int) -> ThreadingHTTPServer:
    """Return the server; it answers in threads, and none of them keeps the process alive."""
    return make_prompt_server(_Handler, host=host, port=port, store=store)


class _Handler(PromptHandler, BaseHTTPRequestHandler):
    store: ClassVar[Store]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        match address.path:
            case "/-/ready":
                self._answer(HTTPStatus.OK, b"ready\n", "text/plain")
            case "/received":
                self._received(parse_qs(address.query).get("since", ["0"])[0])
            case "/":
                self._answer(HTTPStatus.OK, _page(self.store).encode(), "text/html; charset=utf-8")
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"nothing here\n", "text/plain")

    def do_POST(self) -> None:
        channel, _, receiver = urlsplit(self.path).path.strip("/").partition("/")
        reader = _READERS.get(channel)
        body = self._body()
        if reader is None or body is None:
            self._answer(
                HTTPStatus.NOT_FOUND, b"no such receiver, or a body that is too large\n", "text/plain"
            )
            return
        try:
            self.store.add(reader(unquote(receiver)[:100], body))
        except ValueError as error:
            self._answer(HTTPStatus.BAD_REQUEST, f"{error}\n".encode(), "text/plain")
            return
        accepted = HTTPStatus.ACCEPTED if channel == "pagerduty" else HTTPStatus.OK
        self._answer(
            accepted, b'{"status":"success"}' if channel == "pagerduty" else b"ok", "application/json"
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing of each request: what came is in the file."""

    def _received(self, since: str) -> None:
        if not since.isascii() or not since.isdigit() or len(since) > 18:
            self._answer(HTTPStatus.BAD_REQUEST, b"`since` is no number\n", "text/plain")
            return
        body = json.dumps(self.store.since(int(since)), ensure_ascii=False).encode()
        self._answer(HTTPStatus.OK, body, "application/json")

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if (
            not length.isascii()
            or not length.isdigit()
            or len(length) > 9
            or int(length) > _LARGEST_BODY_BYTES
        ):
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        # Who asked may have gone; that is no error of ours.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)


def _page(store: Store) -> str:
    from datetime import UTC, datetime

    rows = []
    for record in reversed(store.since(0)[-_SHOWN:]):
        at = datetime.fromtimestamp(record["at"], UTC).strftime("%H:%M:%S")
        cells = "".join(f"<td>{escape(str(record[name]))}</td>" for name in _COLUMNS[1:])
        rows.append(f'<tr class="{escape(str(record["status"]))}"><td>{at}</td>{cells}</tr>')
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in _COLUMNS)
    empty = (
        ""
        if rows
        else "<p>Nothing has come yet. <code>opsctl alerts prove</code> makes something happen.</p>"
    )
    return _PAGE.format(head=head, rows="".join(rows), empty=empty)
