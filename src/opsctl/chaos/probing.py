"""What do the probes of a drill answer, in each of its phases."""

from collections.abc import Callable, Sequence

from opsctl.chaos.ports import World
from opsctl.chaos.probes import Probe, miss_of
from opsctl.chaos.report import ProbeSeen
from opsctl.chaos.sample import Phase


class Probing:
    """Asks each probe when it is due and counts what it answers."""

    def __init__(self, probes: Sequence[Probe], *, world: World) -> None:
        self._probes = probes
        self._world = world
        self._due = dict.fromkeys((probe.name for probe in probes), 0.0)
        self._seen: dict[tuple[str, Phase], ProbeSeen] = {}

    def look(self, now: float, *, phase: Phase, between: Callable[[], None]) -> None:
        """Ask what is due; `between` is called after each, because a probe may take its time."""
        for probe in self._probes:
            if now >= self._due[probe.name]:
                self._due[probe.name] = now + probe.every_seconds
                self._count(probe, miss_of(probe, self._world.ask(probe)), phase=phase)
                between()

    def seen(self) -> tuple[ProbeSeen, ...]:
        """Return what was seen, by probe and phase."""
        return tuple(self._seen.values())

    def _count(self, probe: Probe, miss: str, *, phase: Phase) -> None:
        nothing = ProbeSeen(name=probe.name, phase=phase, asked=0, missed=0)
        before = self._seen.get((probe.name, phase), nothing)
        self._seen[probe.name, phase] = ProbeSeen(
            name=probe.name,
            phase=phase,
            asked=before.asked + 1,
            missed=before.missed + bool(miss),
            first_miss=before.first_miss or miss,
        )
