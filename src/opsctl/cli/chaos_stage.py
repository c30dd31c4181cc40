"""On what are drills held: one ground with its watchers, calm before each drill, with protections taken away on request."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsctl.chaos.book import Drill
    from opsctl.chaos.evidence import Circumstances
    from opsctl.chaos.load_drills import NamedDrill
    from opsctl.chaos.report import DrillReport
    from opsctl.chaos.verdict import DrillVerdict
    from opsctl.cli.proving_ground import ProvingGround
    from opsctl.cli.proving_watchers import LiveWatchers
    from opsctl.core.events import Listener

SIMULATED = ("readers", "scoring model")

# A fault outlives its runner by at most so long; making one, such as a restart, must not take longer.
_LEASE_SECONDS = 45.0
_SETTLE_SECONDS = 10.0
_CALM_SECONDS = 240.0
_POLL_SECONDS = 1.0
_MUTED_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A ground with its watchers, on which drills are held."""

    ground: "ProvingGround"
    watchers: "LiveWatchers"
    listener: "Listener"

    @property
    def circumstances(self) -> "Circumstances":
        """Return what evidence says of how drills were held here."""
        from opsctl.chaos.evidence import Circumstances

        return Circumstances(tools=self._tools(), simulated=SIMULATED)

    def hold(self, named: "NamedDrill") -> "tuple[DrillReport, DrillVerdict]":
        """Wait until it is calm, and hold a drill."""
        from opsctl.chaos.conduct import hold
        from opsctl.chaos.judge import judge
        from opsctl.chaos.steady_clock import SteadyClock
        from opsctl.chaos.watching import Pace
        from opsctl.cli import wiring
        from opsctl.cli.chaos_counters import CountedWorld
        from opsctl.cli.chaosing import budget_ledger

        _become_calm(self.watchers, named.drill, listener=self.listener)
        clock = SteadyClock(wiring.clock())
        if self.ground.traffic is not None:
            self.ground.traffic.follow(clock)
        report = hold(
            named,
            world=CountedWorld(self.ground, watchers=self.watchers, always=frozenset({"Watchdog"})),
            clock=clock,
            listener=self.listener,
            purse=budget_ledger(self.listener),
            pace=Pace(lease_seconds=_LEASE_SECONDS),
        )
        return report, judge(report, named.drill)

    def _tools(self) -> dict[str, str]:
        watchers = self.watchers
        return {"prometheus": watchers.prometheus.version(), "alertmanager": watchers.alertmanager.version()}


@contextmanager
def open_stage(listener: "Listener") -> "Iterator[Stage]":
    """Make a ground and its watchers, and end them with the block."""
    from opsctl.cli import proving_setup, watching, wiring

    clock = wiring.clock()
    books, rules = watching.load_rules()
    with proving_setup.proving_ground(
        wiring.settings(), clock=clock, listener=listener, is_for_drills=True
    ) as ground:
        proving_setup.tell_of_ground(listener, ground)
        watchers = proving_setup.watch(ground, books=books, rules=rules, clock=clock)
        clock.sleep(_SETTLE_SECONDS)
        yield Stage(ground=ground, watchers=watchers, listener=listener)


@contextmanager
def prepared(ground: "ProvingGround", watchers: "LiveWatchers", drill: "Drill") -> Iterator[None]:
    """Take away what a control drill is to be held without: the alert's way, or the protection."""
    from opsctl.chaos.book import Control

    match drill.control:
        case Control.MUTED:
            with muted(watchers, [alert.name for alert in drill.expect.alerts]):
                yield
        case Control.BREAKER_OFF:
            off = {"breakers": False, "ladder": False, "retry_budget": False}
            with ground.other_books(service={"resilience": off}):
                yield
        case _:
            yield


@contextmanager
def muted(watchers: "LiveWatchers", alerts: Sequence[str]) -> Iterator[None]:
    """Close the way of some alerts until the block ends."""
    silences = [
        watchers.alertmanager.silence(alert, seconds=_MUTED_SECONDS, by="opsctl chaos", why="a control drill")
        for alert in alerts
    ]
    try:
        yield
    finally:
        for silence in silences:
            watchers.alertmanager.end_silence(silence)


def _become_calm(watchers: "LiveWatchers", drill: "Drill", *, listener: "Listener") -> None:
    """Wait until what the drill before raised is over, as far as this one would be taken in by it."""
    from opsctl.cli import wiring
    from opsctl.core.events import Noted
    from opsctl.core.waiting import wait_until

    awaited = {alert.name for alert in drill.expect.alerts}

    def is_calm() -> bool:
        return not awaited & set(watchers.active())

    if not is_calm():
        listener(Noted(subject="drills", message="waits until the alerts of the drill before are over"))
        wait_until(is_calm, clock=wiring.clock(), seconds=_CALM_SECONDS, poll_seconds=_POLL_SECONDS)
