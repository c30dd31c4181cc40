"""How is a drill held: is all well, break, watch every request, undo whatever happens, watch the recovery, look for residue."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Protocol

from opsctl.chaos.book import Control
from opsctl.chaos.counters import Counting
from opsctl.chaos.guarding import Guard
from opsctl.chaos.judge import baseline_problems
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.plan import forecast_minutes, spent_minutes
from opsctl.chaos.ports import World
from opsctl.chaos.recovering import Recovery
from opsctl.chaos.report import CallsSeen, DrillReport
from opsctl.chaos.sample import Phase, PhaseFigures
from opsctl.chaos.stages import Stages
from opsctl.chaos.steps import Step, parts_of, step_seconds
from opsctl.chaos.watching import Pace, Watching
from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.core.events import Listener, Noted
from opsctl.core.units import parse_duration


class Purse(Protocol):
    """Where drills pay for what they break."""

    def require(self, drill: str, *, minutes: float) -> None:
        """Refuse a drill that may cost more than is left."""
        ...

    def debit(self, drill: str, *, forecast: float, spent: float) -> None:
        """Write down what it did cost."""
        ...


def hold(
    named: NamedDrill,
    *,
    world: World,
    clock: Clock,
    listener: Listener,
    purse: Purse | None = None,
    pace: Pace | None = None,
) -> DrillReport:
    """Hold one drill and return what happened; `judge` says what that means.

    Every fault is undone on every way out, and what was burned is written down. Ctrl-C ends in a report, too.

    Raises:
        RefusedError: CHA020 the drill may cost more than is left; nothing was done.
    """
    forecast = forecast_minutes(named.drill)
    if purse is not None:
        purse.require(named.name, minutes=forecast)
    holding = _Holding(named, world=world, clock=clock, listener=listener, pace=pace or Pace())
    try:
        return holding.hold()
    finally:
        if purse is not None and holding.has_begun:
            purse.debit(named.name, forecast=forecast, spent=holding.spent())


class _Holding:
    def __init__(
        self, named: NamedDrill, *, world: World, clock: Clock, listener: Listener, pace: Pace
    ) -> None:
        self._named = named
        self._drill = named.drill
        self._world = world
        self._listener = listener
        self._pace = pace
        self._watching = Watching(named.drill, world=world, clock=clock, pace=pace)
        self._stages = Stages(named.name, watching=self._watching, clock=clock, listener=listener)
        self._guard = Guard(named.drill, world=world, watching=self._watching)
        self._baseline = PhaseFigures()
        self._left_before: tuple[str, ...] = ()
        self._residue: tuple[str, ...] = ()
        self._restarts_before = self._restarts = 0
        self._calls: dict[Phase, Mapping[str, int]] = {}
        """How often dependencies had been called when a phase began."""
        self._counting = Counting(named.drill.expect.counters, world=world)
        self._unfelt: tuple[str, ...] = ()
        self._errors: list[str] = []
        self._interrupted = False
        self._recovery = Recovery(named.drill, watching=self._watching, pace=pace)

    @property
    def has_begun(self) -> bool:
        """Tell whether anything was broken."""
        return self._watching.fault_at is not None

    def hold(self) -> DrillReport:
        with self._noting("the baseline"):
            self._before()
        if not self._errors and not self._interrupted:
            try:
                with self._noting("the fault"):
                    self._break()
                    self._calls[Phase.RECOVERY] = self._world.calls()
                    self._counting.end()
            finally:
                self._watching.faults.undo_all()
                self._interrupted |= self._watching.faults.interrupted
                undone_at = self._watching.undone_at = self._watching.now()
            if not self._interrupted:
                with self._noting("the recovery"):
                    self._recovery.watch(self._stages, undone_at=undone_at, baseline=self._baseline)
            with self._noting("what the faults met"):
                self._unfelt = self._world.unfelt()
        with self._noting("the search for residue"):
            self._restarts = self._world.restarts() - self._restarts_before
            self._residue = tuple(each for each in self._world.residue() if each not in self._left_before)
        return self._report()

    def spent(self) -> float:
        """Return what was burned since the fault, in minutes of the service level; infinite where nothing was usual."""
        bad = sum(self._figures(phase).bad for phase in (Phase.FAULT, Phase.RECOVERY))
        return spent_minutes(
            bad=bad,
            usual_per_second=self._baseline.per_second,
            availability=self._drill.steady_state.availability,
        )

    def _before(self) -> None:
        self._left_before = self._world.residue()
        self._restarts_before = self._world.restarts()
        self._world.change_load(self._drill.load)
        self._world.take_samples()  # of whatever was before this drill
        self._calls[Phase.BASELINE] = self._world.calls()
        if self._left_before:
            self._errors += [f"left from before: {each}" for each in self._left_before]
            return
        if self._drill.control is Control.NULL_DRILL:
            self._watching.alerts.begin()
        self._stages.watch(Phase.BASELINE, seconds=parse_duration(self._drill.baseline))
        self._baseline = self._figures(Phase.BASELINE)
        self._errors += baseline_problems(
            self._drill,
            self._baseline,
            active=self._watching.alerts.active,
            probes=self._watching.probing.seen(),
        )

    def _break(self) -> None:
        for step in self._drill.method:
            if self._watching.fault_at is None and (parts_of(step) or not self._drill.parts):
                self._begin_fault()
            self._step(step)
            if self._guard.is_over():
                if self._guard.stopped:
                    message = f"stopped: {self._guard.stopped}"
                    self._listener(Noted(subject=self._named.name, message=message))
                return

    def _begin_fault(self) -> None:
        if self._drill.control is not Control.NULL_DRILL:
            self._watching.alerts.begin()
        self._guard.begin(goodput=self._baseline.goodput)
        self._calls[Phase.FAULT] = self._world.calls()
        self._counting.begin()
        self._watching.fault_at = self._watching.now()

    def _step(self, step: Step) -> None:
        parts = parts_of(step)
        for part in parts:
            self._watching.faults.make(part)
        name = " + ".join(part.fault for part in parts) or "wait"
        self._stages.watch(name, seconds=step_seconds(step), done=self._guard.is_over)
        for part in reversed(parts):
            self._watching.faults.undo(part.fault)

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        try:
            yield
        except OpsError as error:
            hint = f"; {error.fix}" if error.fix else ""
            self._errors.append(f"{what} could not be watched: {error.code} {error.message}{hint}")
        except KeyboardInterrupt:
            self._interrupted = True

    def _figures(self, phase: Phase) -> PhaseFigures:
        return self._watching.tally.figures(phase, seconds=self._watching.phase_seconds()[phase])

    def _calls_seen(self) -> Iterator[CallsSeen]:
        if len(self._calls) < len(Phase):
            return
        began, broke, undone = (self._calls[phase] for phase in Phase)
        for name in sorted(began.keys() & broke.keys() & undone.keys()):
            yield CallsSeen(
                dependency=name, baseline=broke[name] - began[name], fault=undone[name] - broke[name]
            )

    def _report(self) -> DrillReport:
        watching, now, spent = self._watching, self._watching.now(), self.spent()
        return DrillReport(
            drill=self._named.name,
            title=self._drill.title,
            control=self._drill.control,
            started_at=watching.started_at,
            ended_at=now,
            fault_at=watching.fault_at,
            undone_at=watching.undone_at if self.has_begun else None,
            phases={phase: self._figures(phase) for phase in Phase},
            faults=tuple(watching.faults.spans),
            alerts=watching.alerts.all(),
            probes=watching.probing.seen(),
            calls=tuple(self._calls_seen()),
            counters=self._counting.seen,
            points=watching.tally.points(until=now),
            mitigation=self._guard.mitigated,
            recovered_seconds=self._recovery.answers_seconds,
            tier_recovered_seconds=self._recovery.tier_seconds,
            tier_after=self._recovery.tier_after,
            after=watching.tally.recent(now=now, seconds=self._pace.settle_seconds),
            restarts=self._restarts,
            stopped_early=self._guard.stopped,
            unfelt=self._unfelt,
            errors=tuple(self._errors),
            lost_leases=watching.faults.lost,
            undo_failures=tuple(watching.faults.failures.values()),
            residue=self._residue,
            interrupted=self._interrupted,
            spent_minutes=spent if isfinite(spent) else None,
        )
