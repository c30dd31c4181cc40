"""What are the baselines that a book does not write: measured in the control of a run whose events lie in a warehouse."""

import math
from collections.abc import Mapping
from datetime import datetime

from opsctl.experiments.metric_book import Baseline, Metric, MetricKind
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import estimate_mean, estimate_ratio
from opsctl.experiments.statistics.moments import Moments
from opsctl.experiments.warehouse.model import Trial, Warehouse


def missing_baselines(metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """Return the metrics for which none is written; that of a quantile is not measured: units say nothing of its variance."""
    return tuple(
        name
        for name, metric in metrics.items()
        if metric.baseline is None and metric.kind is not MetricKind.QUANTILE
    )


def measured_baselines(warehouse: Warehouse, trial: Trial, *, at: datetime) -> dict[str, Baseline]:
    """Return the baseline of each metric that has none, as the control's units had it at that moment.

    A metric of which too few units say anything is left out.

    Args:
        warehouse: where the events lie.
        trial: the run; metrics are those of its book.
        at: until when events count.

    Raises:
        OpsError: the warehouse cannot be read.
    """
    names = missing_baselines(trial.book.metrics)
    if not names:
        return {}
    with warehouse.look(trial, at=[at]) as look:
        means = look.measure(at=at, metrics=names).means
    found = {
        name: baseline_of(trial.book.metrics[name], rows.of_arm(trial.book.control))
        for name, rows in means.items()
    }
    return {name: each for name, each in found.items() if each is not None}


def baseline_of(metric: Metric, moments: Moments) -> Baseline | None:
    """Return what units say of a metric; None where that is nothing."""
    is_ratio = metric.kind is MetricKind.RATIO
    estimate = estimate_ratio(moments) if is_ratio else estimate_mean(moments)
    if isinstance(estimate, CannotTell):
        return None
    try:
        return Baseline(
            mean=estimate.value,
            deviation=math.sqrt(estimate.variance * estimate.n),
            correlation=0.0 if is_ratio or metric.pre_period is None else _correlation(moments),
        )
    except ValueError:  # too near to 0, or too large for a plan
        return None


def _correlation(moments: Moments) -> float:
    """Return how much a unit's past tells of what comes; a past that goes against it is worth as much to CUPED."""
    both = moments.comoments[0][0] * moments.comoments[1][1]
    return min(abs(moments.comoments[0][1]) / math.sqrt(both), 0.999) if both > 0 else 0.0
