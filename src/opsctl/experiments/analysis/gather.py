"""How do the numbers of a warehouse become what an analysis takes: snapshots at every moment, and who was in it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from opsctl.experiments.analysis.checks import Seen
from opsctl.experiments.analysis.model import EventData, MetricData, Snapshot, Subject, UnitData
from opsctl.experiments.analysis.rules import planned_looks
from opsctl.experiments.book import Experiment
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.winsorise import Cap
from opsctl.experiments.warehouse.model import Caps, Look, Measured, Population, Trial, Warehouse

_MOST_DAYS = 120
"""Points of a curve; of a longer experiment every second or third day is one."""


def moments_to(at: datetime, *, subject: Subject, with_curve: bool = True) -> tuple[datetime, ...]:
    """Return the moments to look at, the present last: planned looks so far, and the end of each day for the curve.

    The planned ones do not hang on who looked when, so a bound that was crossed is found again by everybody.
    """
    experiment, start = subject.experiment, subject.started_at
    moments = {moment for moment in planned_looks(experiment, started_at=start) if moment <= at}
    if with_curve:
        last = min(at, start + timedelta(seconds=experiment.horizon_seconds))
        days = int((last - start) / timedelta(days=1))
        step = -(-days // _MOST_DAYS) or 1
        moments |= {start + timedelta(days=day) for day in range(step, days + 1, step)}
    return tuple(sorted(moments | {at}))


def gather(
    warehouse: Warehouse,
    subject: Subject,
    *,
    end: datetime,
    moments: Sequence[datetime],
    leaks: Sequence[str] | None = None,
) -> tuple[tuple[Snapshot, ...], Seen]:
    """Return what was known at each moment, and who was in the experiment at the last one.

    Values of a metric with a window are cut off at the cap of the first planned look that has one (at the first, no window
    may be over yet), or before all of them of the last moment: a cap that moved with every look would make looks
    incomparable. Without a window a unit's value goes on growing, so a cap of the first look would in the end cut off nearly
    all of them, and any harm with them; each look has its own.

    Args:
        warehouse: where events lie.
        subject: the experiment.
        end: events from here on do not count.
        moments: in the order of time, the present last.
        leaks: learners that learned from another arm; None where nobody looked.

    Raises:
        OpsError: the warehouse cannot be read.
    """
    trial = Trial(name=subject.name, book=subject.experiment, start=subject.started_at, end=end)
    with warehouse.look(trial, at=moments) as look:
        measured = _measured(look, subject, moments)
        snapshots = tuple(_snapshot(look, subject.experiment, each) for each in measured)
        population = look.population(at=moments[-1])
    return snapshots, _seen(population, spoiled=measured[-1].spoiled, leaks=leaks)


def _measured(look: Look, subject: Subject, moments: Sequence[datetime]) -> list[Measured]:
    """Return what each moment came to; a cap changes nothing of a planned look before the one that it was frozen at."""
    planned = planned_looks(subject.experiment, started_at=subject.started_at)
    freezing = [moment for moment in moments if moment in planned] or [moments[-1]]
    caps: dict[str, Caps] = {}
    found: dict[datetime, Measured] = {}
    for at in (moment for moment in moments if moment >= freezing[0]):
        found[at] = look.measure(at=at, caps=caps)
        if at in freezing:
            caps |= _caps(found[at], metrics=subject.experiment.metrics)
    return [found.get(at) or look.measure(at=at, caps=caps) for at in moments]


def _caps(measured: Measured, *, metrics: Mapping[str, Metric]) -> dict[str, Caps]:
    return {
        name: rows.caps
        for name, rows in measured.means.items()
        if rows.caps is not None and isinstance(rows.caps.outcome, Cap) and metrics[name].window is not None
    }


def _snapshot(look: Look, experiment: Experiment, measured: Measured) -> Snapshot:
    return Snapshot(
        at=measured.at,
        units=look.population(at=measured.at).units,
        metrics={name: _data(experiment, measured, name) for name in experiment.metrics},
    )


def _data(experiment: Experiment, measured: Measured, name: str) -> MetricData:
    if name in measured.quantiles:
        return EventData(arms=measured.quantiles[name].arms)
    active = [arm for arm, each in experiment.arms.items() if each.weight > 0]
    rows = measured.means[name]
    uncut = rows.caps.outcome if rows.caps is not None and isinstance(rows.caps.outcome, CannotTell) else None
    return UnitData(arms=rows.strata(active), uncut=uncut)


def _seen(population: Population, *, spoiled: Mapping[str, int], leaks: Sequence[str] | None) -> Seen:
    return Seen(
        units=dict(population.units) | dict(population.strangers),
        by_value={
            f"{dimension}={value or '(none)'}": counts
            for dimension, values in population.dimensions.items()
            for value, counts in values.items()
        },
        in_several_arms=population.in_several_arms,
        before_start=population.early + population.late,
        unreadable=population.unreadable,
        spoiled=spoiled,
        leaks=None if leaks is None else tuple(leaks),
    )
