"""What is seen of alerts while a drill goes on: when each fires, is told, and is over."""

from dataclasses import dataclass, field

from opsctl.chaos.ports import World
from opsctl.chaos.report import AlertSeen


@dataclass(slots=True)
class _Sighting:
    firing_at: float | None = None
    gone_at: float | None = None
    told: list[float] = field(default_factory=list)
    over: list[float] = field(default_factory=list)
    is_page: bool = False


class AlertWatch:
    """Looks at the alerts of a world again and again, and remembers what was seen since `begin`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seen: dict[str, _Sighting] = {}
        self._before: frozenset[str] = frozenset()
        self.active: dict[str, str] = {}

    def begin(self) -> None:
        """Forget what was seen; what fires already is not of the fault that comes now."""
        self.active = dict(self._world.active_alerts())
        self._before = frozenset(name for name, state in self.active.items() if state == "firing")
        self._world.messages()
        self._seen = {}

    def look(self, now: float) -> None:
        """Look once."""
        self.active = dict(self._world.active_alerts())
        firing = {name for name, state in self.active.items() if state == "firing"}
        self._before &= firing
        for name in firing - self._before:
            seen = self._seen.setdefault(name, _Sighting())
            seen.firing_at = now if seen.firing_at is None else seen.firing_at
            seen.gone_at = None
        for name, seen in self._seen.items():
            if name not in self.active and seen.gone_at is None:
                seen.gone_at = now
        for message in self._world.messages():
            if message.alert in self._before:
                continue
            seen = self._seen.setdefault(message.alert, _Sighting())
            seen.is_page |= message.is_page
            (seen.told if message.status == "firing" else seen.over).append(message.at)

    def of(self, name: str) -> AlertSeen:
        """Return what was seen of an alert."""
        seen = self._seen.get(name, _Sighting())
        return AlertSeen(
            name=name,
            firing_at=seen.firing_at,
            told_at=min(seen.told, default=None),
            over_at=_over_at(seen),
            is_page=seen.is_page,
        )

    def all(self) -> tuple[AlertSeen, ...]:
        """Return every alert that fired or was told of, by name."""
        found = (self.of(name) for name in sorted(self._seen))
        return tuple(each for each in found if (each.firing_at, each.told_at) != (None, None))


def _over_at(seen: _Sighting) -> float | None:
    """Return when it was over: one that ends and comes again is not."""
    if not seen.told:
        return seen.gone_at if seen.firing_at is not None else None
    return max((at for at in seen.over if at >= max(seen.told)), default=None)
