"""Which toxics are in force on a line now: each is a lease that ends by itself, whoever set it may be dead by then."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from opsctl.chaos.proxy.toxics import Down, Flap, OneWay, Silent, Stream, Toxic, as_mapping

LONGEST_LEASE_SECONDS = 900.0
MOST_TOXICS = 32
_MOST_REMEMBERED_IDS = 5000

ToxicT = TypeVar("ToxicT", bound=Toxic)


@dataclass(slots=True, kw_only=True, eq=False)
class Active:
    """A toxic with its lease; times are seconds of the loop's monotonic clock."""

    name: str
    toxic: Toxic
    began: float
    until: float
    timer: asyncio.TimerHandle
    calls: int = 0
    hits: int = 0
    remembered_ids: dict[Any, None] = field(default_factory=dict)
    """Ids that answers held while it was in force: what may stand in place of others."""

    def draws(self, number: int) -> bool:
        """Tell whether the n-th connection or call is among those that it hits."""
        share = self.toxic.share
        if share >= 1.0:
            return True
        lot = Random(f"{self.toxic.seed} {number}").random()  # noqa: S311 - a seed, not a secret
        return lot < share

    def remember(self, identifier: Any) -> None:
        """Keep an id, the oldest making room."""
        self.remembered_ids[identifier] = None
        if len(self.remembered_ids) > _MOST_REMEMBERED_IDS:
            del self.remembered_ids[next(iter(self.remembered_ids))]


class InForce:
    """The toxics of one line.

    Args:
        loop: whose clock leases run on.
        on_change: called whenever a toxic has come or gone; whoever waits in `change` hears of it after that.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, on_change: Callable[[], None]) -> None:
        self._loop, self._on_change = loop, on_change
        self._active: dict[str, Active] = {}
        self._changed = asyncio.Event()
        self.is_calm = True
        """Nothing is wrong: the way that has to be fast asks only this."""

    def __iter__(self) -> Iterator[Active]:
        return iter(self._active.values())

    def now(self) -> float:
        """Return the seconds of the clock that leases run on."""
        return self._loop.time()

    def set(self, name: str, toxic: Toxic, *, ttl_seconds: float) -> Active:
        """Put a toxic in force, in place of one of the same name.

        Raises:
            ValueError: there are too many.
        """
        if name not in self._active and len(self._active) >= MOST_TOXICS:
            raise ValueError(f"a line bears {MOST_TOXICS} toxics at once; clear some first")
        if name in self._active:
            self._active[name].timer.cancel()
        now = self.now()
        timer = self._loop.call_later(ttl_seconds, self.remove, name)
        active = Active(name=name, toxic=toxic, began=now, until=now + ttl_seconds, timer=timer)
        self._active[name] = active
        self._tell()
        return active

    def renew(self, name: str, *, ttl_seconds: float) -> Active:
        """Let a lease run so long from now.

        Raises:
            KeyError: it has ended already.
        """
        active = self._active[name]
        active.timer.cancel()
        active.until = self.now() + ttl_seconds
        active.timer = self._loop.call_later(ttl_seconds, self.remove, name)
        return active

    def remove(self, name: str) -> bool:
        """End a toxic; tell whether it was there."""
        active = self._active.pop(name, None)
        if active is None:
            return False
        active.timer.cancel()
        self._tell()
        return True

    def clear(self) -> int:
        """End all toxics; return how many there were."""
        return sum([self.remove(name) for name in tuple(self._active)])

    async def change(self, seconds: float | None = None) -> None:
        """Wait until a toxic comes or goes, at most so long."""
        changed = self._changed
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()

    def hitting(self, kind: type[ToxicT], number: int) -> list[tuple[Active, ToxicT]]:
        """Return the toxics of a kind that hit the n-th connection or call."""
        return [
            (active, active.toxic)
            for active in self._active.values()
            if isinstance(active.toxic, kind) and active.draws(number)
        ]

    def is_frozen(self, stream: Stream, connection: int) -> bool:
        """Tell whether nothing passes that way on a connection."""
        return not self.is_calm and bool(self._freezing(stream, connection))

    async def thaw(self, stream: Stream, connection: int) -> None:
        """Wait while nothing passes that way on a connection; what makes it wait has hit, whether it ever passes or not."""
        hit: set[Active] = set()
        while not self.is_calm and (freezing := self._freezing(stream, connection)):
            count_hits(freezing, hit)
            await self.change()

    def cutting(self, connection: int | None = None) -> list[Active]:
        """Return the toxics that make the line refuse: for one connection, or (None) for everybody."""
        now = self.now()
        return [
            active
            for active in self._active.values()
            if is_down(active, now)
            and (active.toxic.share >= 1.0 if connection is None else active.draws(connection))
        ]

    def _freezing(self, stream: Stream, connection: int) -> list[Active]:
        silent = [active for active, _ in self.hitting(Silent, connection)]
        if stream is Stream.UP:
            return silent
        return silent + [active for active, _ in self.hitting(OneWay, connection)]

    def _tell(self) -> None:
        self.is_calm = not self._active
        changed, self._changed = self._changed, asyncio.Event()
        self._on_change()
        changed.set()


def count_hits(actives: Iterable[Active], already: set[Active]) -> None:
    """Count a hit of each toxic that is not among those counted already, and put it there."""
    for active in actives:
        if active not in already:
            already.add(active)
            active.hits += 1


def is_down(active: Active, now: float) -> bool:
    """Tell whether a toxic makes its line refuse at a moment."""
    match active.toxic:
        case Down():
            return True
        case Flap(up_seconds=up, down_seconds=down):
            return (now - active.began) % (up + down) < down
        case _:
            return False


def seconds_to_turn(active: Active, now: float) -> float | None:
    """Return when a flapping line turns next; None for a toxic that does not flap."""
    if not isinstance(active.toxic, Flap):
        return None
    up, down = active.toxic.up_seconds, active.toxic.down_seconds
    phase = (now - active.began) % (up + down)
    return down - phase if phase < down else up + down - phase


def describe(active: Active, now: float) -> dict[str, Any]:
    """Return a toxic and its lease for JSON."""
    return {
        "name": active.name,
        "toxic": as_mapping(active.toxic),
        "remaining_seconds": round(max(0.0, active.until - now), 3),
        "calls": active.calls,
        "hits": active.hits,
    }
