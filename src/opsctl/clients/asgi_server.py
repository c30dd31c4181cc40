"""How is an ASGI application of ours served in this process, until it is told to end?"""

import asyncio
import signal
from typing import Any

_MOST_CONNECTIONS = 1024


def asgi_server(application: Any, *, host: str, port: int) -> Any:
    """Return granian's server for an application; await `serve()` of it, which SIGTERM and SIGINT end."""
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        # Where HTTP/2 may come, a connection waits for its first bytes without end; the head of a request has 30 s.
        http=HTTPModes.http1,
        log_enabled=False,
        websockets=False,
        backlog=_MOST_CONNECTIONS,
        backpressure=_MOST_CONNECTIONS,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    return server
