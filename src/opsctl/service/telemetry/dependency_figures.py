"""Does what the service depends on answer: asked each two seconds, whether or not anybody asks for feeds."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters

_SECONDS = 2.0
_OK = "ok"


class Looks(Protocol):
    """Whoever can ask all dependencies (`feed.readiness.Dependencies`)."""

    async def check(self) -> Mapping[str, str]:
        """Return `ok` or the reason for each dependency."""
        ...


class DependencyFigures:
    """Sets the gauges of dependencies.

    Args:
        dependencies: asks them.
        meters: where the gauges are.
    """

    def __init__(self, dependencies: Looks, *, meters: Meters) -> None:
        self._dependencies = dependencies
        self._meters = meters

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stop.is_set():
            await self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _SECONDS)

    async def look(self) -> None:
        """Look once."""
        for dependency, answer in (await self._dependencies.check()).items():
            self._meters.set(metrics.DEPENDENCY_UP, dependency, to=1.0 if answer == _OK else 0.0)
