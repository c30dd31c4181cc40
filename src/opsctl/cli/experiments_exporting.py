"""What of running experiments is told to Prometheus: units from the database, looks and analyses from the ledger."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    import psycopg

    from opsctl.evidence.model import Record
    from opsctl.experiments.registry import Started
    from opsctl.exporters.experiments import RunningExperiment
    from opsctl.store.experiment_splits import UnitSplit


def running(
    connection: "psycopg.Connection[Any]", *, looks: "Sequence[Record]", now: "datetime"
) -> "tuple[RunningExperiment, ...]":
    """Return the experiments that run now; none where the database is of a schema that knows of none.

    Args:
        connection: to the database of the service.
        looks: records of the ledger, those of other kinds may be among them.
        now: until when exposures count.
    """
    from opsctl.store.experiment_splits import are_experiments_kept

    if not are_experiments_kept(connection):
        return ()
    return tuple(_seen(connection, each, looks=looks, now=now) for each in _started(connection))


def _started(connection: "psycopg.Connection[Any]") -> "Iterator[Started]":
    """Yield what this version of opsctl can read: one that it cannot must not keep anybody from the others."""
    from contextlib import suppress

    from opsctl.core.errors import UsageError
    from opsctl.experiments.registry import started_of
    from opsctl.store.experiments import read_experiments

    for row in read_experiments(connection):
        if row.ended_at is None:
            with suppress(UsageError):
                yield started_of(row)


def _seen(
    connection: "psycopg.Connection[Any]", started: "Started", *, looks: "Sequence[Record]", now: "datetime"
) -> "RunningExperiment":
    from opsctl.experiments.peeks import peeks_of
    from opsctl.exporters.experiments import RunningExperiment
    from opsctl.store.experiment_splits import read_split

    experiment = started.experiment
    weights = {name: arm.weight for name, arm in experiment.arms.items()}
    split = read_split(
        connection,
        started.name,
        arms=list(weights),
        since=started.started_at,
        until=min(now, started.horizon_at),
    )
    real = [record for record in looks if not record.simulated]
    return RunningExperiment(
        name=started.name,
        digest=started.digest,
        weights=weights,
        metrics=list(experiment.metrics),
        units=split.units,
        in_unknown_arms=split.in_unknown_arms,
        in_several_arms=split.in_several_arms,
        sample_ratio_p=_p_value(split, started, is_over=now >= started.horizon_at),
        horizon_passed=_passed(started, now),
        ramp=experiment.ramp,
        looks=len(peeks_of(real, name=started.name, digest=started.digest)),
    )


def _p_value(split: "UnitSplit", started: "Started", *, is_over: bool) -> float | None:
    """Return how likely the sizes of the arms are, whenever and however often somebody asks.

    It is 0 where somebody is in an arm that gets nobody, None for unknown.
    """
    try:
        from opsctl.experiments.statistics.srm_watch import watch_split
    except ImportError:  # the extra `experiments` is not installed
        return None
    experiment = started.experiment
    weights = {name: arm.weight for name, arm in experiment.arms.items()}
    watched = watch_split([split.units], weights, planned=experiment.units, is_over=is_over)
    return 0.0 if watched.split.stray or split.in_unknown_arms else watched.p_value


def _passed(started: "Started", now: "datetime") -> float | None:
    from opsctl.core.errors import InconclusiveError

    try:
        return started.seconds_at(now) / started.experiment.horizon_seconds
    except InconclusiveError:  # a clock went back
        return None
