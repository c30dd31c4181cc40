"""One look at everything while a drill goes on: requests, alerts, probes and leases, in the drill's own time."""

from collections.abc import Callable
from dataclasses import dataclass

from opsctl.chaos.alert_watch import AlertWatch
from opsctl.chaos.book import Drill
from opsctl.chaos.made_faults import MadeFaults
from opsctl.chaos.ports import World
from opsctl.chaos.probing import Probing
from opsctl.chaos.sample import Phase, Sample
from opsctl.chaos.steady_clock import SteadyClock
from opsctl.chaos.tally import Tally
from opsctl.core.clock import Clock
from opsctl.core.units import parse_duration
from opsctl.core.waiting import wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often is looked, and over how long.

    Args:
        poll_seconds: from one look to the next.
        lease_seconds: a fault outlives whoever holds the drill by at most so long.
        window_seconds: recovery is seen over so long.
        settle_seconds: so long is watched after the recovery.
    """

    poll_seconds: float = 0.5
    lease_seconds: float = 30.0
    window_seconds: float = 5.0
    settle_seconds: float = 10.0


class Watching:
    """Looks at a world; the wall clock is read once, so that a fault that moves it moves nothing here."""

    def __init__(self, drill: Drill, *, world: World, clock: Clock, pace: Pace) -> None:
        self._world = world
        self._clock = SteadyClock(clock)
        self._pace = pace
        self.started_at = self.now()
        self.fault_at: float | None = None
        self.undone_at: float | None = None
        self.alerts = AlertWatch(world)
        self.faults = MadeFaults(world, now=self.now, lease_seconds=pace.lease_seconds)
        self.probing = Probing(drill.probes, world=world)
        longest = max(parse_duration(drill.stop_when.lasts), pace.window_seconds, pace.settle_seconds)
        self.tally = Tally(
            began_at=self.started_at, phase_of=self._phase_of, remembers_seconds=longest + pace.poll_seconds
        )

    def now(self) -> float:
        """Return the time of the drill, in seconds since 1970."""
        return self._clock.at()

    @property
    def phase(self) -> Phase:
        """Return the phase that it is now."""
        if self.fault_at is None:
            return Phase.BASELINE
        return Phase.FAULT if self.undone_at is None else Phase.RECOVERY

    def look(self) -> None:
        """Look once at everything."""
        now = self.now()
        for sample in self._world.take_samples():
            self.tally.add(sample, now=now)
        self.alerts.look(now)
        self.faults.keep()
        self.probing.look(now, phase=self.phase, between=self.faults.keep)

    def until(self, done: Callable[[], bool], *, seconds: float, tell: Callable[[float], None]) -> bool:
        """Look until something is so, at most so long; tell whether it is. `tell` hears how long it took so far."""
        began = self._clock.monotonic()

        def is_seen() -> bool:
            self.look()
            tell(self._clock.monotonic() - began)
            return done()

        return wait_until(is_seen, clock=self._clock, seconds=seconds, poll_seconds=self._pace.poll_seconds)

    def is_back(self, since: float, *, goodput: float) -> bool:
        """Tell whether the last seconds, all of them after `since`, had 95 % of the good answers that are usual."""
        now, window = self.now(), self._pace.window_seconds
        if now - since < window:
            return False
        _, good = self.tally.recent(now=now, seconds=window)
        return good / window >= 0.95 * goodput

    def fresh_answers(self, tier: str) -> tuple[int, int]:
        """Return the fresh answers of the last seconds, and those that a tier made."""
        return self.tally.recent_fresh(tier, now=self.now(), seconds=self._pace.window_seconds)

    def back_after(self, since: float) -> float:
        """Return the seconds from `since` to the beginning of the window that is seen now."""
        return round(max(0.0, self.now() - self._pace.window_seconds - since), 3)

    def phase_seconds(self) -> dict[Phase, float]:
        """Return how long each phase has been."""
        now = self.now()
        fault_at = now if self.fault_at is None else self.fault_at
        undone_at = now if self.undone_at is None else self.undone_at
        return {
            Phase.BASELINE: fault_at - self.started_at,
            Phase.FAULT: undone_at - fault_at,
            Phase.RECOVERY: now - undone_at,
        }

    def _phase_of(self, sample: Sample) -> Phase:
        """Return the fault for every request that it may have touched, also one that had begun before or ended after."""
        if self.fault_at is None or sample.ended_at <= self.fault_at:
            return Phase.BASELINE
        if self.undone_at is None or sample.at < self.undone_at:
            return Phase.FAULT
        return Phase.RECOVERY
