"""How busy is this worker: its CPU time, and how late its event loop comes to what is due."""

import asyncio
import time
from collections.abc import Callable

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters

_CPU_SECONDS = 0.5
_LAG_SECONDS = 0.1


class ProcessFigures:
    """Counts the CPU time of this process twice a second.

    Args:
        meters: where it is counted.
        cpu_seconds: CPU time of the process so far, all threads included.
    """

    def __init__(self, meters: Meters, *, cpu_seconds: Callable[[], float] = time.process_time) -> None:
        self._meters = meters
        self._cpu_seconds = cpu_seconds
        self._counted = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Count until told to stop."""
        self._meters.set(metrics.WORKERS, to=1)
        while not stop.is_set():
            self.count()
            await _pause(stop, _CPU_SECONDS)
        self.count()

    def count(self) -> None:
        """Count what was used since the last time."""
        used = self._cpu_seconds()
        self._meters.count(metrics.WORKER_CPU_SECONDS, by=max(0.0, used - self._counted))
        self._counted = used


class LoopLag:
    """Asks to be woken each 0.1 s, and notes how much later it was."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            due = loop.time() + _LAG_SECONDS
            await asyncio.sleep(_LAG_SECONDS)
            self._meters.observe(metrics.EVENT_LOOP_LAG_SECONDS, value=max(0.0, loop.time() - due))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
