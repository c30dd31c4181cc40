"""How is an experiment analysed from here: which start, which warehouse, which certificates; the look recorded first."""

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.analysis_places import Place, analysis_moment, analysis_place
from opsctl.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opsctl.core.events import Listener
    from opsctl.experiments.analysis.model import Analysis, Subject
    from opsctl.experiments.registry import Started


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
    with analysis_place(started, source=source, listener=listener) as place:
        looked = _looked(
            started, place, at=analysis_moment(started, at), certificates=certificates, looks=len(looks)
        )
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
