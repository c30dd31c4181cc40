"""What did a quantile of all events come to at a moment: three passes, of which the later ones need what the first found."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from opsctl.experiments.metric_book import Metric, MetricKind
from opsctl.experiments.statistics.moments import Moments
from opsctl.experiments.warehouse.frame import Frame, asked
from opsctl.experiments.warehouse.measuring import moments_of_row
from opsctl.experiments.warehouse.metric_statements import TOTALS, ValueAt, Wanted, mature
from opsctl.experiments.warehouse.model import QuantileRows
from opsctl.experiments.warehouse.quantile_statements import (
    clusters_query,
    events_query,
    outer_query,
    values_stage,
)
from opsctl.experiments.warehouse.query import Engine, Stage
from opsctl.experiments.warehouse.unit_statements import members

if TYPE_CHECKING:
    from opsctl.experiments.statistics.cannot_tell import CannotTell
    from opsctl.experiments.statistics.quantile import QuantileStatistics

_VALUE = 5


def measure_quantiles(engine: Engine, frame: Frame, wanted: Wanted) -> dict[str, QuantileRows]:
    """Return what is kept of each wanted quantile."""
    quantiles = {name: each for name, each in wanted.metrics.items() if each.kind is MetricKind.QUANTILE}
    return {
        name: _measured(engine, frame, replace(wanted, metrics={name: metric}), name=name, place=place)
        for place, (name, metric) in enumerate(quantiles.items())
    }


def _measured(engine: Engine, frame: Frame, wanted: Wanted, *, name: str, place: int) -> QuantileRows:
    metric = wanted.metrics[name]
    stages = (*frame.units, values_stage(engine, metric, wanted, place=place))
    how = _value_at(engine, frame, stages)
    values, clusters = _first_passes(engine, frame, stages, metric=metric, name=name, how=how)
    return QuantileRows(
        metric=name,
        arms=_statistics(engine, frame, stages, values=values, clusters=clusters, metric=metric, how=how),
        immature=_immature(engine, frame, metric, wanted),
    )


def _first_passes(
    engine: Engine,
    frame: Frame,
    stages: tuple[Stage, ...],
    *,
    metric: Metric,
    name: str,
    how: ValueAt,
) -> tuple[dict[int, float], dict[int, Moments]]:
    query = clusters_query(stages, level=metric.quantile or 0.5, parameters=frame.parameters, value_at=how)
    values, clusters = {}, {}
    for row in engine.rows(query):
        if row[0] == TOTALS:
            values[row[1]] = row[_VALUE]
        else:
            clusters[row[1]] = moments_of_row(row, width=2, metric=name)
    return values, clusters


def _statistics(  # noqa: PLR0913 - what the last pass needs
    engine: Engine,
    frame: Frame,
    stages: tuple[Stage, ...],
    *,
    values: Mapping[int, float],
    clusters: Mapping[int, Moments],
    metric: Metric,
    how: ValueAt,
) -> "dict[str, QuantileStatistics | CannotTell]":
    from opsctl.experiments.statistics.cannot_tell import CannotTell
    from opsctl.experiments.statistics.quantile import QuantileStatistics, outer_levels

    level = metric.quantile or 0.5
    levels = {arm: outer_levels(moments, level=level) for arm, moments in clusters.items()}
    known = {arm: each for arm, each in levels.items() if not isinstance(each, CannotTell)}
    query = outer_query(stages, known, parameters=frame.parameters, value_at=how)
    outer = {arm: (low, high) for arm, low, high in (engine.rows(query) if known else [])}

    def of_arm(arm: int) -> QuantileStatistics | CannotTell:
        if arm not in levels:
            return CannotTell(code="EXP080", because="it has no events")
        told = levels[arm]
        if isinstance(told, CannotTell):
            return told
        low, high = outer[arm]
        return QuantileStatistics(level=level, value=values[arm], low=low, high=high, moments=clusters[arm])

    return {name: of_arm(place) for place, name in enumerate(frame.arms)}


def _immature(engine: Engine, frame: Frame, metric: Metric, wanted: Wanted) -> dict[str, int]:
    counts = mature(metric, closing=wanted.closing, maturity=wanted.maturity)
    query = asked(
        frame,
        f"select arm, count(case when {counts} then null else 1 end) from units"
        f" where {members(wanted.closing)} group by arm",
    )
    found = dict(engine.rows(query))
    return {arm: found.get(place, 0) for place, arm in enumerate(frame.arms)}


def _value_at(engine: Engine, frame: Frame, stages: tuple[Stage, ...]) -> ValueAt:
    most = engine.most_values_at_once
    if most is None:
        return ValueAt(by_sorting=False)
    count = engine.rows(events_query(stages, parameters=frame.parameters))[0][0]
    return ValueAt(by_sorting=count > most)
