"""What does each worker run: the whole service as one ASGI application that opens and closes with its process."""

import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from opsctl.config.settings import Settings, resolve_settings, user_file

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

logger = logging.getLogger("opsctl.service")


class Application:
    """Opens its clients when the server starts it, answers through the edge, closes them at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._edge: Asgi | None = None

    def __call__(self, scope: Message, receive: Receive, send: Send) -> Awaitable[None]:
        """Return what answers one request; no frame of its own, this is the hottest path."""
        if self._edge is not None and scope["type"] == "http":
            return self._edge(scope, receive, send)
        return self._live(scope, receive, send)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return
        await receive()
        async with AsyncExitStack() as closing:
            try:
                await self._open(closing)
            except Exception as error:
                # The server's own message would only say that the start failed.
                logger.exception("the service cannot start")
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._edge = None
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self, closing: AsyncExitStack) -> None:
        from opsctl.service.assemble import assembled

        self._edge = await closing.enter_async_context(assembled(self._settings))


def make_application() -> Application:
    """Return the application of the project that the environment names."""
    root = Path(os.environ["OPSCTL_PROJECT"])
    return Application(
        resolve_settings(root=root, environment=os.environ, user_file=user_file(os.environ), flags={})
    )
