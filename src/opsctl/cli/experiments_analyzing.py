"""How is an experiment analysed from here: which start, which warehouse, which certificates; the look recorded first."""

import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opsctl.cli.backends import Backends
    from opsctl.core.events import Listener
    from opsctl.experiments.analysis.model import Analysis
    from opsctl.experiments.registry import Started
    from opsctl.experiments.warehouse.model import Warehouse


def analysed(name: str, *, source: Path | None, at: datetime | None, listener: "Listener") -> "Analysis":
    """Return the analysis of an experiment; that somebody looked is recorded before anything of it is shown.

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
    from opsctl.experiments.analysis.document import analysis_evidence, peek_of
    from opsctl.experiments.peeks import PEEK_KIND, peek_evidence, peeks_of

    began = time.monotonic()
    started = _started(name, listener=listener)
    _require_unchanged(started)
    certificates = certified(started)
    looks = peeks_of(wiring.ledger().records(kind=PEEK_KIND), name=name, digest=started.digest)
    with _warehouse(started, source=source, listener=listener) as (warehouse, leaks):
        analysis, _ = _analysis(
            started,
            warehouse,
            at=_moment(started, at),
            certificates=certificates,
            looks=len(looks),
            leaks=leaks,
        )
    seconds = time.monotonic() - began
    wiring.record(peek_evidence(started, peek_of(analysis), seconds=seconds))
    wiring.record(analysis_evidence(analysis, seconds=seconds))
    return analysis


def analysed_with_units(
    name: str, *, listener: "Listener"
) -> "tuple[Analysis, Sequence[tuple[datetime, Mapping[str, int]]]]":
    """Return the analysis of an experiment, and the units of each arm over time; a page is a look, too, and recorded as one."""
    from opsctl.cli import wiring
    from opsctl.experiments.analysis.document import peek_of
    from opsctl.experiments.peeks import PEEK_KIND, peek_evidence, peeks_of

    began = time.monotonic()
    started = _started(name, listener=listener)
    _require_unchanged(started)
    certificates = certified(started)
    looks = peeks_of(wiring.ledger().records(kind=PEEK_KIND), name=name, digest=started.digest)
    with _warehouse(started, source=None, listener=listener) as (warehouse, leaks):
        analysis, units = _analysis(
            started,
            warehouse,
            at=_moment(started, None),
            certificates=certificates,
            looks=len(looks),
            leaks=leaks,
        )
    wiring.record(peek_evidence(started, peek_of(analysis), seconds=time.monotonic() - began))
    return analysis, units


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
    """Return the start: a simulation's as the ledger has it, one for readers as the database has it.

    Raises:
        UsageError: EXP022 there is none.
    """
    from opsctl.cli import experimenting, wiring
    from opsctl.experiments.registry import named_start, started_of
    from opsctl.store.experiments import read_experiment

    known = experimenting.all_starts().get(name)
    if known is not None and known.simulated:
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
def _warehouse(
    started: "Started", *, source: Path | None, listener: "Listener"
) -> "Iterator[tuple[Warehouse, Sequence[str] | None]]":
    """Give where the events lie, and which learners were taught by another arm, where that can be looked at."""
    from opsctl.cli import wiring
    from opsctl.cli.experiments_simulating import folder_of
    from opsctl.experiments.studies.document import read_study
    from opsctl.experiments.warehouse.parquet import Bounds, ParquetWarehouse
    from opsctl.experiments.warehouse.postgres import PostgresWarehouse

    if source is not None or started.simulated:
        folder = source or folder_of(started.name)
        leaks = None if source is not None else read_study(folder, name=started.name).worlds[0].leaks
        # one thread: sums of fractions are the same to the last bit each time
        yield ParquetWarehouse(folder, bounds=Bounds(threads=1)), leaks
        return
    with wiring.backends(listener) as servers:
        yield PostgresWarehouse(servers.database_address()), _leaks(servers, started)


def _leaks(servers: "Backends", started: "Started") -> "Sequence[str]":
    from opsctl.store.exposures import leaked_decisions

    count = leaked_decisions(servers.database(), started.name)
    return (f"{count:,} decisions teach the learner of an arm that is not their reader's",) if count else ()


def _moment(started: "Started", at: datetime | None) -> datetime:
    """Return until when events count."""
    from opsctl.cli import wiring

    if at is not None:
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    if started.simulated:
        return started.horizon_at
    now = wiring.clock().now()
    started.seconds_at(now)  # refuses a clock that went back
    return now


def _analysis(
    started: "Started",
    warehouse: "Warehouse",
    *,
    at: datetime,
    certificates: dict[str, str],
    looks: int,
    leaks: "Sequence[str] | None",
) -> "tuple[Analysis, Sequence[tuple[datetime, Mapping[str, int]]]]":
    from opsctl.experiments.analysis.gather import gather, moments_to
    from opsctl.experiments.analysis.model import Subject
    from opsctl.experiments.analysis.run import analyse

    subject = Subject(
        name=started.name,
        experiment=started.experiment,
        digest=started.digest,
        started_at=started.started_at,
    )
    end = min(started.ended_at or started.horizon_at, started.horizon_at)
    snapshots, seen = gather(
        warehouse, subject, end=end, moments=moments_to(at, subject=subject), leaks=leaks
    )
    analysis = analyse(
        subject, snapshots, seen=seen, simulated=started.simulated, certificates=certificates, peeks=looks
    )
    return analysis, [(snapshot.at, snapshot.units) for snapshot in snapshots]
