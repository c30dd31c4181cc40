"""How does a browser get the preview: a small server on loopback, for this machine's pages only."""

import json
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from opsctl.clients.prompt_server import PromptHandler, make_prompt_server
from opsctl.core.errors import NotReadyError, OpsError, UsageError
from opsctl.dashboards.preview import Asked, Preview

HOST = "127.0.0.1"
_PAGE = Path(__file__).parent / "page"
_KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
_FILES = {
    f"/static/{name}": _PAGE / name
    for name in ("app.js", "app.css", "vendor/uPlot.iife.min.js", "vendor/uPlot.min.css")
} | {"/": _PAGE / "index.html"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def make_preview_server(preview: Preview, *, port: int) -> ThreadingHTTPServer:
    """Return the server; port 0 takes any that is free.

    Raises:
        NotReadyError: DSH092 the port is taken.
    """
    try:
        return make_prompt_server(_Handler, host=HOST, port=port, preview=preview)
    except OSError as error:
        raise NotReadyError(
            f"the preview cannot listen at `{HOST}:{port}`",
            code="DSH092",
            why=error.strerror,
            fix="choose another port: --port",
        ) from error


class _Handler(PromptHandler, BaseHTTPRequestHandler):
    preview: ClassVar[Preview]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if not self._is_for_us():
            self._json(HTTPStatus.FORBIDDEN, {"why": "asked for by another name than this machine's"})
        elif address.path in _FILES:
            file = _FILES[address.path]
            self._answer(HTTPStatus.OK, file.read_bytes(), _KINDS[file.suffix])
        else:
            self._api(address.path, dict(parse_qsl(address.query)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing of each request."""

    def _is_for_us(self) -> bool:
        """Tell whether a browser asked for this machine: a page elsewhere may give its own name our address."""
        host = self.headers.get("Host", "").rpartition(":")[0]
        return host in (HOST, "localhost")

    def _api(self, path: str, asked: dict[str, str]) -> None:
        try:
            self._json(HTTPStatus.OK, self._found(path, asked))
        except UsageError as error:
            self._json(HTTPStatus.BAD_REQUEST, {"why": error.why or error.message})
        except OpsError as error:
            self._json(HTTPStatus.BAD_GATEWAY, {"why": error.message})

    def _found(self, path: str, asked: dict[str, str]) -> Any:
        match path:
            case "/api/boards":
                return self.preview.boards()
            case "/api/panel":
                names = asked.get("board", ""), asked.get("panel", "")
                return self.preview.panel(*names, Asked.of(asked), now=time.time())
            case "/api/alerts":
                return self.preview.alerts()
            case "/api/values":
                return self.preview.values()
            case "/api/runbook":
                return self.preview.runbook(asked.get("rule", ""))
            case _:
                raise UsageError("there is nothing at this address", code="DSH093")

    def _json(self, status: HTTPStatus, value: Any) -> None:
        self._answer(status, json.dumps(value, allow_nan=False).encode(), "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # Who asked may have gone; that is no error of ours.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)
