"""An edge around a small application, served by granian in its own process: `python -m tests.service.edge.served PORT`."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server
from tests.service.edge.world import World

from opsctl.service.book import Limits, ServiceBook


class Large:
    """A large answer, such as a client may leave in the middle of."""

    async def __call__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Send eight megabytes, piece by piece."""
        headers = [(b"content-type", b"application/octet-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(128):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def serve(port: int) -> None:
    """Serve until SIGTERM."""
    book = ServiceBook(limits=Limits(body_seconds=0.5, request_seconds=5))
    with World(service=book) as world:
        world.wall.now = 1_800_000_000.0
        api = world.api

        async def application(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/v1/content/large":
                await Large()(send)
            else:
                await api(scope, receive, send)

        world.edge._passing._application = application
        server = Server(
            world.edge,
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            log_enabled=False,
            websockets=False,
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
        await server.serve()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
