"""Does what the service depends on answer: asked each two seconds, whether or not anybody asks for feeds."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters

_SECONDS = 2.0
_OK = "ok"
_BACK_LOOKS = 5
"""So many looks long a dependency counts as just come back: one that loads what it holds may fail its first trial."""


class Looks(Protocol):
    """Whoever can ask all dependencies (`feed.readiness.Dependencies`)."""

    async def check(self) -> Mapping[str, str]:
        """Return `ok` or the reason for each dependency."""
        ...


class DependencyFigures:
    """Sets the gauges of dependencies.

    Args:
        dependencies: asks them.
        came_back: hears of each that answers after it did not, at the first looks.
        meters: where the gauges are.
    """

    def __init__(self, dependencies: Looks, *, came_back: Callable[[str], None], meters: Meters) -> None:
        self._dependencies = dependencies
        self._came_back = came_back
        self._meters = meters
        self._back_looks: dict[str, int] = {}
        """How often `came_back` will hear of each that was away."""

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stop.is_set():
            await self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _SECONDS)

    async def look(self) -> None:
        """Look once."""
        answers = await self._dependencies.check()
        for name, answer in answers.items():
            is_up = answer == _OK
            self._meters.set(metrics.DEPENDENCY_UP, name, to=float(is_up))
            if not is_up:
                self._back_looks[name] = _BACK_LOOKS
            elif self._back_looks.get(name, 0):
                self._back_looks[name] -= 1
                self._came_back(name)
