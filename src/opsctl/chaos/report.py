"""What happened in a drill: phases, faults, alerts and probes, each with its times; what it means, `judge` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsctl.chaos.book import Control
from opsctl.chaos.sample import Phase, PhaseFigures, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSpan:
    """When a fault was there, in seconds since 1970."""

    fault: str
    began_at: float
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSeen:
    """What was seen of one alert since the fault, in seconds since 1970.

    Args:
        firing_at: when it was first shown as firing.
        told_at: when the first message told of it.
        over_at: when the last message told that it is over; of what nobody is told: when it was no longer shown.
        is_page: somebody is woken by it.
    """

    name: str
    firing_at: float | None = None
    told_at: float | None = None
    over_at: float | None = None
    is_page: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSeen:
    """How often a probe was asked in a phase, how often it missed, and why the first time."""

    name: str
    phase: Phase
    asked: int
    missed: int
    first_miss: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsSeen:
    """How often one dependency was called before the fault and while it was on."""

    dependency: str
    baseline: int
    fault: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSeen:
    """By how much a counter of the service grew while the fault was on."""

    metric: str
    labels: Mapping[str, str]
    growth: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mitigated:
    """What the runbook's command did; `ended_seconds` from the command until feeds were as usual, None if they never were."""

    command: str
    began_at: float
    worked: bool
    ended_seconds: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """What happened; moments are seconds since 1970.

    Args:
        fault_at: when the first fault was made; None where none was, because the baseline was not steady.
        undone_at: when the last undo was over.
        recovered_seconds: from the undo until good answers were back; None where they were not in time.
        tier_recovered_seconds: from the undo until the agents made fresh answers again; None where they did not in time.
        tier_after: fresh answers, and those of the agents, in the last seconds that were watched; None where nobody looked:
            an old journal, no recovery, or a baseline without any of the agents.
        after: requests, and good ones, in the last seconds that were watched.
        restarts: processes that began anew since the fault.
        unfelt: faults that touched nothing.
        errors: why something could not be measured.
        lost_leases: faults that vanished by themselves.
        undo_failures: faults that could not be taken back, each with what was said.
        residue: what was left, as the scan at the end found it.
        spent_minutes: of the service level, by what went wrong since the fault; None where nothing was usual before.
    """

    drill: str
    title: str
    control: Control
    started_at: float
    ended_at: float
    fault_at: float | None = None
    undone_at: float | None = None
    phases: Mapping[Phase, PhaseFigures] = field(default_factory=dict)
    faults: tuple[FaultSpan, ...] = ()
    alerts: tuple[AlertSeen, ...] = ()
    probes: tuple[ProbeSeen, ...] = ()
    calls: tuple[CallsSeen, ...] = ()
    counters: tuple[CounterSeen, ...] = ()
    points: tuple[Point, ...] = ()
    mitigation: Mitigated | None = None
    recovered_seconds: float | None = None
    tier_recovered_seconds: float | None = None
    tier_after: tuple[int, int] | None = None
    after: tuple[int, int] = (0, 0)
    restarts: int = 0
    stopped_early: str = ""
    unfelt: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    lost_leases: tuple[str, ...] = ()
    undo_failures: tuple[str, ...] = ()
    residue: tuple[str, ...] = ()
    interrupted: bool = False
    spent_minutes: float | None = 0.0

    @property
    def seconds(self) -> float:
        """Return how long the drill was."""
        return self.ended_at - self.started_at

    def phase(self, phase: Phase) -> PhaseFigures:
        """Return the figures of a phase; empty ones where there was none."""
        return self.phases.get(phase, PhaseFigures())

    def alert(self, name: str) -> AlertSeen:
        """Return what was seen of an alert."""
        return next((each for each in self.alerts if each.name == name), AlertSeen(name=name))

    @property
    def failures(self) -> Mapping[str, int]:
        """Return what readers got instead of an answer while the fault was on: a status, or a word where there was none."""
        statuses = self.phase(Phase.FAULT).statuses
        return {status: number for status, number in statuses.items() if status[:1] not in ("2", "3")}

    def call_growth(self, dependency: str) -> float | None:
        """Return its calls for each feed that was made while the fault was on, over those of before; None without any."""
        before, during = self.phase(Phase.BASELINE).fresh, self.phase(Phase.FAULT).fresh
        seen = next((each for each in self.calls if each.dependency == dependency), None)
        if seen is None or not (before and during and seen.baseline):
            return None
        return (seen.fault / during) / (seen.baseline / before)
