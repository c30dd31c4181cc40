"""How is the service run: granian with one or several workers, each a process with its own event loop."""

import os
from dataclasses import dataclass
from pathlib import Path

from opsctl.service.cache.places import service_folder
from opsctl.service.telemetry.workers import prepare_metrics_folder

_HEADER_READ_MILLISECONDS = 10_000
_MOST_CONNECTIONS = 4096
_WORKER_KILL_SECONDS = 10
APPLICATION = "opsctl.service.application:make_application"
WORKERS_VARIABLE = "RANKING_SERVICE_WORKERS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServePlan:
    """Where the service listens, for which project, with how many workers."""

    root: Path
    home: Path
    host: str
    port: int
    workers: int


def serve(plan: ServePlan) -> None:
    """Answer requests until SIGTERM or SIGINT; a worker that dies is replaced.

    The workers are new processes: they find the project by its environment and build their own clients.
    """
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings

    folder = service_folder(plan.home)
    folder.mkdir(parents=True, exist_ok=True)
    prepare_metrics_folder(folder / "metrics")
    # Small matrices only: numpy's threads would wait for each other longer than they work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ[WORKERS_VARIABLE] = str(plan.workers)
    os.environ["OPSCTL_PROJECT"] = str(plan.root)
    Granian(
        APPLICATION,
        factory=True,
        address=plan.host,
        port=plan.port,
        interface=Interfaces.ASGI,
        workers=plan.workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_READ_MILLISECONDS),
        websockets=False,
        backlog=_MOST_CONNECTIONS,
        backpressure=_MOST_CONNECTIONS,
        log_access=False,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=_WORKER_KILL_SECONDS,
    ).serve()
