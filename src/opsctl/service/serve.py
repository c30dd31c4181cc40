"""How is the service run: granian with one or several workers, each a process with its own event loop."""

import os
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import NotReadyError
from opsctl.service.background import MAIN_PROCESS_VARIABLE
from opsctl.service.cache.places import service_folder
from opsctl.service.metrics_folder import metrics_folder
from opsctl.service.telemetry.sentry import start_sentry
from opsctl.service.telemetry.workers import prepare_metrics_folder

if TYPE_CHECKING:
    from granian.server.common import AbstractServer

_HEADER_READ_MILLISECONDS = 10_000
_MOST_CONNECTIONS = 4096
WORKER_KILL_SECONDS = 10
"""How long the server waits for its workers after it was told to end."""
# A server that ends sooner after its first start has never worked.
_STARTED_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 30.0
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
    """Answer requests until SIGTERM or SIGINT; a worker that dies is replaced, however often.

    The workers are new processes: they find the project by its environment and build their own clients.

    Raises:
        NotReadyError: SVC310 errors are to be reported and cannot be; SVC303 the workers ended while they started; why stands in the lines before.
    """
    start_sentry()  # for this process, and so that what is wrong is told once and before anything runs
    folder = service_folder(plan.home)
    folder.mkdir(parents=True, exist_ok=True)
    figures = metrics_folder(folder)
    prepare_metrics_folder(figures)
    # Small matrices only: numpy's threads would wait for each other longer than they work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ[MAIN_PROCESS_VARIABLE] = str(os.getpid())
    os.environ[WORKERS_VARIABLE] = str(plan.workers)
    os.environ["OPSCTL_PROJECT"] = str(plan.root)
    try:
        _supervise(plan)
    finally:
        shutil.rmtree(figures, ignore_errors=True)


def _supervise(plan: ServePlan) -> None:
    """Run the server, and again after pauses: it gives up when the same worker dies twice within seconds."""
    pauses = 0
    while True:
        server = _server(plan)
        began = time.monotonic()
        with suppress(SystemExit):  # how it says that it gave up
            server.serve()
        if server.interrupt_signal:
            return
        has_worked = time.monotonic() - began > _STARTED_SECONDS
        if not has_worked and pauses == 0:
            raise NotReadyError(
                "the workers of the service ended while they started",
                code="SVC303",
                why="the lines before this one say why",
                fix="mend the cause, then run the command again",
            )
        pauses = 1 if has_worked else pauses + 1
        if _waits_in_vain(server, seconds=min(_LONGEST_PAUSE_SECONDS, 2.0**pauses / 2)):
            return


def _waits_in_vain(server: "AbstractServer[Any]", *, seconds: float) -> bool:
    """Wait, and tell whether the service was told to end meanwhile: the server's own handler notes that."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.interrupt_signal:
            return True
        time.sleep(0.1)
    return False


def _server(plan: ServePlan) -> "AbstractServer[Any]":
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings

    from opsctl.service.telemetry.process_log import configuration

    return Granian(
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
        log_dictconfig=configuration(is_terminal=sys.stderr.isatty()),
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=WORKER_KILL_SECONDS,
    )
