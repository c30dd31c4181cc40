"""A worker with an edge around a small application: `python -m tests.service.telemetry.worker_process PORT`.

Its figures and exemplars go to the folder that the environment names, where other workers have theirs.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server
from tests.service.edge.world import World

from opsctl.service.telemetry.exemplars import Exemplars
from opsctl.service.telemetry.workers import ENVIRONMENT


async def serve(port: int) -> None:
    """Serve until SIGTERM."""
    exemplars, stop = Exemplars(Path(os.environ[ENVIRONMENT])), asyncio.Event()
    with World(exemplars=exemplars) as world:
        server = Server(
            world.edge,
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            log_enabled=False,
            websockets=False,
        )
        writing = asyncio.create_task(exemplars.run(stop))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
        await server.serve()
        stop.set()
        await writing


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
