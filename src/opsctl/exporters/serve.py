"""How does Prometheus read the exporter: `/metrics` and `/-/ready` on one port, until told to end."""

import signal
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

from opsctl.clients.prompt_server import PromptHandler, make_prompt_server
from opsctl.core.errors import NotReadyError
from opsctl.exporters.shelf import Shelf, exposition

_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def serve_exporter(shelf: Shelf, *, host: str, port: int) -> None:
    """Answer until SIGTERM or SIGINT; figures are worked out beside it, the first at once.

    Raises:
        NotReadyError: EXP001 the port is taken.
    """
    try:
        server = make_prompt_server(ExporterHandler, host=host, port=port, shelf=shelf)
    except OSError as error:
        raise NotReadyError(
            f"the exporter cannot listen at `{host}:{port}`",
            code="EXP001",
            why=error.strerror,
            fix="choose another port: --port",
        ) from error
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shelf.keep_renewing(over)
    server.shutdown()
    server.server_close()


class ExporterHandler(PromptHandler, BaseHTTPRequestHandler):
    """Answers from the shelf; nothing is worked out for a request."""

    shelf: ClassVar[Shelf]

    def do_GET(self) -> None:
        """Answer one scrape."""
        match self.path.partition("?")[0]:
            case "/metrics":
                self._answer(HTTPStatus.OK, exposition(self.shelf.values), _TEXT)
            case "/-/ready":
                self._answer(HTTPStatus.OK, b"ready\n", "text/plain")
            case _:
                self._answer(HTTPStatus.NOT_FOUND, b"there are /metrics and /-/ready\n", "text/plain")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing of each scrape."""

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # Who asked may have gone; that is no error of ours.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(body)
