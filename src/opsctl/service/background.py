"""What goes on beside the requests of a worker: tasks that are told to stop, and are waited for."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

MAIN_PROCESS_VARIABLE = "RANKING_SERVICE_MAIN_PROCESS"

_log = logging.getLogger("opsctl.service")
_RESTART_SECONDS = 1.0
_FAREWELL_SECONDS = 5.0

Work = Callable[[asyncio.Event], Awaitable[None]]


@asynccontextmanager
async def running(works: Mapping[str, Work]) -> AsyncIterator[None]:
    """Run each piece of work in a task of its own until the block ends; one that fails is begun anew.

    At the end each is told to stop and has five seconds to finish what it holds, such as unwritten decisions.
    """
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_keep_running(name, work, stop), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        stop.set()
        _, late = await asyncio.wait(tasks, timeout=_FAREWELL_SECONDS) if tasks else (None, ())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def every(seconds: float, work: Callable[[], None]) -> Work:
    """Return work that does something again and again."""

    async def run(stop: asyncio.Event) -> None:
        while not stop.is_set():
            work()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)

    return run


async def end_with_parent(stop: asyncio.Event) -> None:
    """End this worker when its main process is gone: nobody would replace it, and it would hold the port."""
    # Named before this process began: one that is adopted while it starts would take its new parent for the old.
    parent = int(os.environ.get(MAIN_PROCESS_VARIABLE) or os.getppid())
    while not stop.is_set():
        if os.getppid() != parent:
            _log.error("the main process is gone; this worker ends too")
            # Whatever hangs in the farewell, such as a client that reads nothing, must not keep it alive.
            last_resort = threading.Timer(_FAREWELL_SECONDS, os._exit, (1,))
            last_resort.daemon = True
            last_resort.start()
            os.kill(os.getpid(), signal.SIGTERM)
            # Returning would have this task begun anew, at once and for ever, so that no signal is ever heard.
            await stop.wait()
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)


async def _keep_running(name: str, work: Work, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await work(stop)
        except Exception:  # noqa: BLE001 - it is logged and begun anew
            # A bug in one of them must end neither the others nor the answering of requests.
            _log.exception("`%s` failed and is begun anew", name)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RESTART_SECONDS)
