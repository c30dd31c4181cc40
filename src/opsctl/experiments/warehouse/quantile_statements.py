"""How is a quantile of all events of an arm found in three passes: its value, how each unit lies about it, values beside it."""

from collections.abc import Mapping

from opsctl.experiments.metric_book import Metric
from opsctl.experiments.warehouse.columns import window_of
from opsctl.experiments.warehouse.metric_statements import (
    TOTALS,
    ValueAt,
    Wanted,
    mature,
    moment_rows,
)
from opsctl.experiments.warehouse.query import Engine, Query, Stage, literals
from opsctl.experiments.warehouse.unit_statements import members


def values_stage(engine: Engine, metric: Metric, wanted: Wanted, *, place: int) -> Stage:
    """Return arm, unit and value of every event that counts."""
    window = window_of(metric)
    events = engine.events(
        names=sorted(set(metric.events)), since=wanted.start + window.low, until=wanted.closing
    )
    return Stage(
        name=f"samples_{place}",
        sql=f"""
select units.arm, units.unit, e.value
from ({events}) as e join units on units.unit_id = e.unit_id
where e.event in ({literals(sorted(set(metric.events)))}) and {engine.dialect.finite.format("e.value")}
    and {window.holds("e.moment - units.exposed")}
    and {members(wanted.closing)} and {mature(metric, closing=wanted.closing, maturity=wanted.maturity)}""",
    )


def events_query(stages: tuple[Stage, ...], *, parameters: Mapping[str, str]) -> Query:
    """Return how many events the largest arm has."""
    return Query(
        stages=stages,
        parameters=parameters,
        sql=f"select coalesce(max(n), 0) from (select count(*) as n from {stages[-1].name} group by arm) as counted",
    )


def clusters_query(
    stages: tuple[Stage, ...], *, level: float, parameters: Mapping[str, str], value_at: ValueAt
) -> Query:
    """Return rows as `moment_rows` writes them of (events at or below the value, events), and for `TOTALS` the value."""
    samples = stages[-1].name
    clusters = f"""
select min(s.arm) as arm, 0 as stratum, 0 as day, count(case when s.value <= a.value then 1 end)::double precision as v0,
    count(*)::double precision as v1
from {samples} as s join at_level as a on a.arm = s.arm group by s.unit"""
    part, rows = moment_rows("clusters", metric=0, width=2)
    nothing = ", ".join(["null::double precision"] * 17)
    return Query(
        stages=stages,
        parameters=parameters,
        parts=(("at_level", value_at.level_by_arm(samples, level)), ("clusters", clusters), part),
        sql=f"{rows} union all select {TOTALS}, arm, 0, 0, 0, value, {nothing} from at_level",
    )


def outer_query(
    stages: tuple[Stage, ...],
    levels: Mapping[int, tuple[float, float]],
    *,
    parameters: Mapping[str, str],
    value_at: ValueAt,
) -> Query:
    """Return for each of these arms (arm, the value at the lower level, that at the higher one)."""
    samples = stages[-1].name
    parts = tuple((f"of_arm_{arm}", f"select value from {samples} where arm = {arm}") for arm in levels)
    selects = [
        f"select {arm} as arm, {value_at.level(f'of_arm_{arm}', 'value', low)}, {value_at.level(f'of_arm_{arm}', 'value', high)}"
        for arm, (low, high) in levels.items()
    ]
    return Query(stages=stages, parameters=parameters, parts=parts, sql=" union all ".join(selects))
