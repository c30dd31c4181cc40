"""How does a small HTTP server of the standard library begin to listen: a thread a request, none of which keeps the process?"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opsctl.core.errors import NotReadyError


def web_server(handler: type[BaseHTTPRequestHandler], *, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server that listens; port 0 takes any that is free.

    Raises:
        OSError: the port is taken.
    """
    server = ThreadingHTTPServer((host, port), handler)
    server.daemon_threads = True
    return server


def port_taken(error: OSError, *, what: str, host: str, port: int, code: str) -> NotReadyError:
    """Return the error for somebody who chose the port by an option."""
    return NotReadyError(
        f"{what} cannot listen at `{host}:{port}`",
        code=code,
        why=error.strerror,
        fix="choose another port: --port",
    )
