"""What does each worker run: the whole service as one ASGI application that opens and closes with its process."""

import logging
import os
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.config.settings import Settings, resolve_settings, user_file
from opsctl.service.serve import WORKERS_VARIABLE
from opsctl.service.telemetry.process_log import configure_logging
from opsctl.service.telemetry.sentry import start_sentry

if TYPE_CHECKING:
    from opsctl.service.edge.app import Edge
    from opsctl.service.edge.asgi import Receive, Scope, Send

logger = logging.getLogger("opsctl.service")


class Application:
    """Opens its clients when the server starts it, answers through the edge, closes them at the end."""

    def __init__(self, settings: Settings, *, workers: int) -> None:
        self._settings = settings
        self._workers = workers
        self._edge: Edge | None = None

    def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> Awaitable[None]:
        """Return what answers one request; no frame of its own, this is the hottest path."""
        if self._edge is not None and scope["type"] == "http":
            return self._edge(scope, receive, send)
        return self._live(scope, receive, send)

    async def _live(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
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

        self._edge = await closing.enter_async_context(assembled(self._settings, workers=self._workers))


def make_application() -> Application:
    """Return the application of the project that the environment names."""
    configure_logging()
    start_sentry()
    root = Path(os.environ["OPSCTL_PROJECT"])
    settings = resolve_settings(root=root, environment=os.environ, user_file=user_file(os.environ), flags={})
    return Application(settings, workers=int(os.environ[WORKERS_VARIABLE]))
