"""Does what the service depends on answer: asked each two seconds, whether or not anybody asks for feeds."""

import asyncio
from collections.abc import Callable, Mapping
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
    """Sets the gauges of dependencies and breakers.

    Args:
        dependencies: asks them.
        breakers: by dependency, whether the service leaves it alone right now.
        meters: where the gauges are.
    """

    def __init__(
        self, dependencies: Looks, *, breakers: Mapping[str, Callable[[], bool]], meters: Meters
    ) -> None:
        self._dependencies = dependencies
        self._breakers = breakers
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
        for dependency, is_open in self._breakers.items():
            self._meters.set(metrics.BREAKER_STATE, dependency, to=1.0 if is_open() else 0.0)
