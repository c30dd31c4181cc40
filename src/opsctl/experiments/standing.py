"""How does every experiment stand: not started, running, ended, and what does not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from opsctl.core.errors import InconclusiveError
from opsctl.core.findings import Finding, Location, Severity
from opsctl.core.units import format_duration
from opsctl.experiments.changes import change_findings, ramp_findings
from opsctl.experiments.load_experiments import NamedExperiment
from opsctl.experiments.peeks import Peek
from opsctl.experiments.registry import Started


class State(StrEnum):
    """Where an experiment is on its way."""

    NOT_STARTED = "not started"
    RUNNING = "running"
    DUE = "due"
    """It has run for as long as it was meant to, and still runs."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One experiment.

    Args:
        seconds: for how long it has run; None where it never did, or where a clock went back.
        horizon_at: when it will have run for as long as it was meant to.
        units: how many saw each arm, in the order of the book; empty where it never ran.
        peeks: how often somebody looked.
        findings: what does not fit.
    """

    name: str
    title: str
    state: State
    ramp: float
    started_at: datetime | None = None
    ended_at: datetime | None = None
    horizon_at: datetime | None = None
    seconds: float | None = None
    horizon_seconds: float
    units: Mapping[str, int] = field(default_factory=dict)
    peeks: int = 0
    digest: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of an experiment beside its start.

    Args:
        units: how many units saw each arm.
        peeks: every look at it.
    """

    units: Mapping[str, int] = field(default_factory=dict)
    peeks: Sequence[Peek] = ()


def standings(
    books: Sequence[NamedExperiment],
    *,
    started: Sequence[Started],
    seen: Mapping[str, Seen],
    now: datetime,
) -> tuple[Standing, ...]:
    """Return how every experiment stands: those that run first, then those to be started, then those that ended."""
    by_name = {each.name: each for each in books}
    found = [
        _of_started(each, book=by_name.get(each.name), seen=seen.get(each.name, Seen()), now=now)
        for each in started
    ]
    names = {each.name for each in started}
    found += [_of_book(each) for each in books if each.name not in names]
    order = {State.RUNNING: 0, State.DUE: 0, State.NOT_STARTED: 1, State.ENDED: 2}
    return tuple(sorted(found, key=lambda each: order[each.state]))


def _of_book(named: NamedExperiment) -> Standing:
    return Standing(
        name=named.name,
        title=named.experiment.title,
        state=State.NOT_STARTED,
        ramp=named.experiment.ramp,
        horizon_seconds=named.experiment.horizon_seconds,
        digest=named.digest,
    )


def _of_started(started: Started, *, book: NamedExperiment | None, seen: Seen, now: datetime) -> Standing:
    experiment, findings = started.experiment, list[Finding]()
    seconds: float | None = None
    try:
        seconds = started.seconds_at(now)
    except InconclusiveError as error:
        findings.append(error.as_finding())
    if book is not None:
        findings += change_findings(book, started) + ramp_findings(book, started)
    elif started.is_running:
        findings.append(_bookless(started))
    state = State.RUNNING if started.is_running else State.ENDED
    if started.is_running and seconds is not None and seconds >= experiment.horizon_seconds:
        state = State.DUE
        findings.append(_overdue(started, seconds))
    return Standing(
        name=started.name,
        title=experiment.title,
        state=state,
        ramp=experiment.ramp,
        started_at=started.started_at,
        ended_at=started.ended_at,
        horizon_at=started.started_at + timedelta(seconds=experiment.horizon_seconds),
        seconds=seconds,
        horizon_seconds=experiment.horizon_seconds,
        units={arm: seen.units.get(arm, 0) for arm in (*experiment.arms, *_strangers(started, seen))},
        peeks=len(seen.peeks),
        digest=started.digest,
        findings=tuple(findings),
    )


def _strangers(started: Started, seen: Seen) -> tuple[str, ...]:
    """Return arms that units saw and the book does not know: shown, so that nobody overlooks them."""
    return tuple(sorted(seen.units.keys() - started.experiment.arms.keys()))


def _bookless(started: Started) -> Finding:
    return Finding(
        code="EXP019",
        severity=Severity.WARNING,
        title=f"`{started.name}` runs, and there is no book of it here",
        location=Location(file=f"{started.name}.yaml"),
        fix=f"put the book back, or end it: opsctl experiments stop {started.name} --confirm {started.name}",
    )


def _overdue(started: Started, seconds: float) -> Finding:
    late = seconds - started.experiment.horizon_seconds
    return Finding(
        code="EXP033",
        severity=Severity.INFO,
        title=f"`{started.name}` is over its horizon by {format_duration(late)}",
        fix=f"analyse it, then: opsctl experiments stop {started.name} --confirm {started.name}",
    )
