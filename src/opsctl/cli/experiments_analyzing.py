"""How is an experiment analysed from here: which start, which warehouse, which certificates; the look recorded first."""

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.cli.backends import Backends
    from opsctl.core.events import Listener
    from opsctl.experiments.analysis.model import Analysis, Subject
    from opsctl.experiments.registry import Started
    from opsctl.experiments.warehouse.model import Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the events of an experiment lie.

    Args:
        leaks: learners that were taught by another arm's readers, each in a sentence; None where nobody can look.
        others: experiments whose events lie there, too.
    """

    warehouse: "Warehouse"
    leaks: "Sequence[str] | None" = None
    others: "Sequence[Started]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """An analysis, and the units of each arm over time."""

    analysis: "Analysis"
    units: "Sequence[tuple[datetime, Mapping[str, int]]]"


def analysed(name: str, *, source: Path | None, at: datetime | None, listener: "Listener") -> "Analysis":
    """Return the analysis of an experiment, recorded with its verdict.

    Args:
        name: of the experiment.
        source: a folder of Parquet files, where the events do not lie where they usually do.
        at: until when events count; now, or the horizon of a simulation.
        listener: hears of progress.

    Raises:
        UsageError: EXP022 it was not started, EXP020 its book was changed since.
        RefusedError: EXP140 a method is not certified.
    """
    from opsctl.cli import wiring
    from opsctl.experiments.analysis.document import analysis_evidence

    began = time.monotonic()
    looked = look(name, source=source, at=at, listener=listener)
    wiring.record(analysis_evidence(looked.analysis, seconds=time.monotonic() - began))
    return looked.analysis


def look(
    name: str, *, source: Path | None = None, at: datetime | None = None, listener: "Listener"
) -> Looked:
    """Return the same; that somebody looked is recorded before anything of it is shown."""
    from opsctl.cli import ledger_health, wiring
    from opsctl.experiments.analysis.document import peek_of
    from opsctl.experiments.peeks import PEEK_KIND, peek_evidence, peeks_of

    began = time.monotonic()
    started = _started(name, listener=listener)
    _require_unchanged(started)
    certificates = certified(started)
    records = ledger_health.sound_records(kind=PEEK_KIND)
    looks = peeks_of(records, name=name, digest=started.digest, is_simulated=bool(started.simulated))
    with _place(started, source=source, listener=listener) as place:
        looked = _looked(started, place, at=_moment(started, at), certificates=certificates, looks=len(looks))
    wiring.record(peek_evidence(started, peek_of(looked.analysis), seconds=time.monotonic() - began))
    return looked


def exit_code(analysis: "Analysis") -> ExitCode:
    """Return how the command ends: with success only where something is to be shipped."""
    from opsctl.experiments.verdict import Outcome

    match analysis.verdict.outcome:
        case Outcome.SHIP:
            return ExitCode.GOOD
        case Outcome.KEEP_RUNNING:
            return ExitCode.INCONCLUSIVE
        case Outcome.DO_NOT_SHIP | Outcome.INVALID:
            return ExitCode.BAD_VERDICT


def certified(started: "Started") -> dict[str, str]:
    """Return the certificates of all methods on which the verdict rests.

    Raises:
        RefusedError: EXP140 a method has none.
    """
    from opsctl.cli.experiments_certifying import held
    from opsctl.experiments.certify.kept import require_certified
    from opsctl.experiments.statistics.methods import methods_behind

    experiment = started.experiment
    wanted = [
        method for metric in experiment.metrics.values() for method in methods_behind(experiment, metric)
    ]
    return require_certified(wanted, {each.method: each for each in held(tuple(dict.fromkeys(wanted)))})


def _started(name: str, *, listener: "Listener") -> "Started":
    """Return the start: one for readers as the database has it, and only where there is none a simulation's.

    Raises:
        UsageError: EXP022 there is none.
    """
    from opsctl.cli import experimenting, wiring
    from opsctl.experiments.registry import named_start, started_of
    from opsctl.store.experiments import read_experiment

    known = experimenting.all_starts().get(name)
    if known is not None and known.simulated and name not in experimenting.real_starts():
        return known
    with wiring.backends(listener) as servers:
        row = read_experiment(servers.database(), name)
    return named_start({name: started_of(row)} if row is not None else {}, name)


def _require_unchanged(started: "Started") -> None:
    """Refuse where the book here says otherwise than what was started; a book that is gone hides nothing."""
    from opsctl.cli import experimenting
    from opsctl.experiments.changes import require_unchanged

    for named in experimenting.loaded().experiments:
        if named.name == started.name:
            require_unchanged(named, started)


@contextmanager
def _place(started: "Started", *, source: Path | None, listener: "Listener") -> "Iterator[Place]":
    from opsctl.cli import wiring
    from opsctl.cli.experiments_simulating import folder_of
    from opsctl.experiments.studies.binding import FILE as MANIFEST
    from opsctl.experiments.studies.binding import require_bound
    from opsctl.experiments.studies.document import read_study
    from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse
    from opsctl.experiments.warehouse.postgres import PostgresWarehouse

    if source is not None or started.simulated:
        folder = source or folder_of(started.name)
        leaks = None
        if source is None or (source / MANIFEST).is_file():
            require_bound(folder, name=started.name)
        if source is None:
            leaks = read_study(folder, name=started.name).worlds[0].leaks
        # one thread: sums of fractions are the same to the last bit each time
        yield Place(warehouse=ParquetWarehouse(folder, bounds=Bounds(threads=1)), leaks=leaks)
        return
    with wiring.backends(listener) as servers:
        yield Place(
            warehouse=PostgresWarehouse(servers.database_address()),
            leaks=_leaks(servers, started),
            others=tuple(_others(servers, started)),
        )


def _others(servers: "Backends", started: "Started") -> "Iterator[Started]":
    """Yield the other experiments of the database; what another version of opsctl has started cannot be looked at."""
    from opsctl.core.errors import UsageError
    from opsctl.experiments.registry import started_of
    from opsctl.store.experiments import read_experiments

    for row in read_experiments(servers.database()):
        if row.name == started.name:
            continue
        try:
            yield started_of(row)
        except UsageError:
            continue


def _leaks(servers: "Backends", started: "Started") -> "Sequence[str]":
    from opsctl.store.exposures import leaked_decisions

    count = leaked_decisions(servers.database(), started.name)
    return (f"{count:,} decisions teach the learner of an arm that is not their reader's",) if count else ()


def _moment(started: "Started", at: datetime | None) -> datetime:
    """Return until when events count.

    What ended early is looked at as of its end: whoever stops when it looks good must not get a test for the horizon.

    Raises:
        UsageError: EXP050 it had not started yet, or that moment is still to come: a look at the horizon, taken today,
            would be a verdict that the stopping rule does not allow.
    """
    from opsctl.cli import wiring
    from opsctl.core.errors import UsageError

    if at is not None:
        at = _in_utc(at)
        now = wiring.clock().now()
        if not started.simulated and at > now:
            raise UsageError(
                f"{at:%Y-%m-%d %H:%M:%S} UTC is still to come",
                code="EXP050",
                why=f"it is {now:%Y-%m-%d %H:%M:%S} UTC; nobody can see today what will be seen then",
                fix="leave --at out, which takes all events until now",
            )
    elif started.simulated:
        at = started.horizon_at
    else:
        at = wiring.clock().now()
        started.seconds_at(at)  # refuses a clock that went back
    if started.ended_at is not None and started.started_at < started.ended_at < at:
        return started.ended_at
    return at


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except OverflowError:  # at either end of the calendar
        return at.replace(tzinfo=UTC)


def _looked(
    started: "Started", place: Place, *, at: datetime, certificates: dict[str, str], looks: int
) -> Looked:
    from opsctl.experiments.analysis.concurrent import cross_checks, is_concurrent
    from opsctl.experiments.analysis.gather import gather, moments_to
    from opsctl.experiments.analysis.run import analyse

    subject = _subject(started)
    beside = [each for each in map(_subject, place.others) if is_concurrent(subject, each, at=at)]
    snapshots, seen = gather(
        place.warehouse,
        subject,
        end=min(started.ended_at or started.horizon_at, started.horizon_at),
        moments=moments_to(at, subject=subject),
        leaks=place.leaks,
    )
    analysis = analyse(
        subject,
        snapshots,
        seen=seen,
        simulated=started.simulated,
        certificates=certificates,
        peeks=looks,
        crossed=cross_checks(place.warehouse, subject, beside, at=at),
    )
    return Looked(analysis=analysis, units=[(snapshot.at, snapshot.units) for snapshot in snapshots])


def _subject(started: "Started") -> "Subject":
    from opsctl.experiments.analysis.model import Subject

    return Subject(
        name=started.name,
        experiment=started.experiment,
        digest=started.digest,
        started_at=started.started_at,
        ended_at=started.ended_at,
    )
