"""How do events become moments of arms: one pass over the events for all metrics, then sums over units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.experiments.metric_book import Metric, MetricKind
from opsctl.experiments.warehouse.columns import Columns, pre_period_of, window_of
from opsctl.experiments.warehouse.model import Maturity
from opsctl.experiments.warehouse.query import DAY, Engine, Query, Stage, number
from opsctl.experiments.warehouse.unit_statements import members

WIDTH = 4
"""Variables of the widest metric: a ratio with its pre-period."""
TOTALS = -1
"""Stands for the metric of the rows that count all units of an arm, and its spoiled events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for at one moment.

    Args:
        start: of the experiment.
        closing: until when events count.
        bucket: the moment's place among those of the look; None where there is but one.
        quotient: the operator that divides whole numbers.
        caps: of the metrics that are cut off, by place of the variable.
    """

    start: int
    closing: int
    bucket: int | None
    quotient: str
    metrics: Mapping[str, Metric]
    by_day: bool
    maturity: Maturity
    caps: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


def sums_stage(engine: Engine, columns: Columns, *, start: int, closings: Sequence[int]) -> Stage:
    """Return the sums of each unit, and apart by the look before which an event was, where there are several.

    `seen` is when the last event before the exposure was, `spoiled` counts events without a finite value: for these the
    time since the exposure is null, so that they are in no interval.
    """
    if not columns.events:
        nothing = "select unit, 0 as bucket, exposed as seen, 0 as spoiled from units where unit < 0"
        return Stage(name="sums", sql=nothing)
    events = engine.events(names=columns.events, since=start - columns.reach, until=closings[-1])
    is_split = len(closings) > 1
    bucket = f", {_bucket(closings)} as bucket" if is_split else ""
    key = "unit, bucket" if is_split else "unit"
    sums = "".join(f",\n    {expression} as {name}" for name, expression in columns.sums.items())
    return Stage(
        name="sums",
        groups_by_unit=len(columns.sums) + 2,
        sql=f"""
select {key}{sums},
    max(case when elapsed < 0 then elapsed end) as seen, count(case when elapsed is null then 1 end) as spoiled
from (
    select units.unit{bucket}, e.event, e.value,
        case when {engine.dialect.finite.format("e.value")} then e.moment - units.exposed end as elapsed
    from ({events}) as e join units on units.unit_id = e.unit_id
) as joined group by {key}""",
    )


def caps_query(
    stages: tuple[Stage, ...],
    columns: Columns,
    wanted: Wanted,
    *,
    parameters: Mapping[str, str],
    value_at: "ValueAt",
) -> Query:
    """Return (place of the metric, units, cap of the outcome, cap of the covariate or null)."""
    parts, selects = _own(columns, wanted), []
    for place, (name, metric) in enumerate(wanted.metrics.items()):
        parts.append((f"values_{place}", _values(columns, wanted, name, metric)))
        level = metric.winsorise or 1.0
        outcome = value_at.level(f"values_{place}", "v0", level)
        covariate = covariate_place(metric)
        other = (
            "null::double precision"
            if covariate is None
            else value_at.level(f"values_{place}", f"v{covariate}", level)
        )
        selects.append(
            f"select {place} as metric, (select count(*) from values_{place}) as n, {outcome}, {other}"
        )
    return Query(stages=stages, parts=tuple(parts), parameters=parameters, sql=" union all ".join(selects))


def rows_query(
    stages: tuple[Stage, ...], columns: Columns, wanted: Wanted, *, parameters: Mapping[str, str]
) -> Query:
    """Return rows as `moment_rows` writes them for each metric, and those of `TOTALS`."""
    parts, selects = _own(columns, wanted), [_totals()]
    for place, (name, metric) in enumerate(wanted.metrics.items()):
        parts.append((f"values_{place}", _values(columns, wanted, name, metric)))
        more, select = moment_rows(f"values_{place}", metric=place, width=len(columns.variables[name]))
        parts.append(more)
        selects.append(select)
    return Query(stages=stages, parts=tuple(parts), parameters=parameters, sql=" union all ".join(selects))


def moment_rows(relation: str, *, metric: int, width: int) -> tuple[tuple[str, str], str]:
    """Return a part, and a select of metric, arm, stratum, day, n, means, sums and products of deviations from them.

    In two passes: deviations are taken from the mean of their own group, so that neither a mean of 1e8 nor arms that lie
    far apart cost any digits; what the mean itself is off by is told by the sums of deviations.
    """
    columns = [f"v{place}" for place in range(width)]
    means = ", ".join(f"avg({name}) as m_{name}" for name in columns)
    part = (
        f"means_{relation}",
        f"select arm, stratum, day, {means} from {relation} group by arm, stratum, day",
    )
    off = {name: f"(v.{name} - m.m_{name})" for name in columns}
    values = [
        *_padded([f"min(m.m_{name})" for name in columns], to=WIDTH),
        *_padded([f"sum({off[name]})" for name in columns], to=WIDTH),
        *_padded(
            [f"sum({off[one]} * {off[other]})" for one, other in _pairs(columns)],
            to=WIDTH * (WIDTH + 1) // 2,
        ),
    ]
    return part, (
        f"select {metric} as metric, v.arm, v.stratum, v.day, count(*), {', '.join(values)} from {relation} as v"
        f" join means_{relation} as m on m.arm = v.arm and m.stratum = v.stratum and m.day = v.day"
        " group by v.arm, v.stratum, v.day"
    )


def mature(metric: Metric, *, closing: int, maturity: Maturity) -> str:
    """Return the condition for a unit to count for this metric at that moment."""
    window = window_of(metric)
    if maturity is Maturity.ALL:
        return "true"
    if window.high is None:
        return f"exposed + {window.low} < {closing}"
    return f"exposed + {window.high} <= {closing}"


def covariate_place(metric: Metric) -> int | None:
    """Return which variable is the outcome's covariate, None without a pre-period."""
    if metric.pre_period is None:
        return None
    return 2 if metric.kind is MetricKind.RATIO else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAt:
    """How the smallest value with at least a share of all at or below it is found.

    Args:
        by_sorting: on disk where memory does not do; else by an aggregate that holds all values.
    """

    by_sorting: bool

    def level(self, relation: str, column: str, level: float) -> str:
        """Return a scalar subquery."""
        if not self.by_sorting:
            return f"(select percentile_disc({level!r}) within group (order by {column}) from {relation})"
        return f"(select min({column}) from ({_ranked(relation, column)}) as ranked where place >= ceil(n * {number(level)}))"

    def level_by_arm(self, relation: str, level: float) -> str:
        """Return a select of arm and value."""
        if not self.by_sorting:
            return f"select arm, percentile_disc({level!r}) within group (order by value) as value from {relation} group by arm"
        ranked = _ranked(relation, "value", by="arm")
        return f"select arm, min(value) as value from ({ranked}) as ranked where place >= ceil(n * {number(level)}) group by arm"


def _own(columns: Columns, wanted: Wanted) -> list[tuple[str, str]]:
    """Return the part `own`: each unit that is analysed, with its sums up to this moment where it has any."""
    sums = "sums"
    if wanted.bucket is not None:
        added = "".join(f", sum({name}) as {name}" for name in columns.sums)
        sums = (
            f"(select unit{added}, max(seen) as seen, sum(spoiled) as spoiled from sums"
            f" where bucket <= {wanted.bucket} group by unit)"
        )
    kept = ", ".join(f"s.{name}" for name in (*columns.sums, "seen", "spoiled"))
    joined = f"units left join {sums} as s on s.unit = units.unit"
    return [("own", f"select units.arm, units.exposed, {kept} from {joined} where {members(wanted.closing)}")]


def _values(columns: Columns, wanted: Wanted, name: str, metric: Metric) -> str:
    caps = wanted.caps.get(name, {})
    values = []
    for place, variable in enumerate(columns.variables[name]):
        value = variable.value()
        values.append(f"least({value}, {number(caps[place])})" if place in caps else value)
    listed = ", ".join(f"{value} as v{place}" for place, value in enumerate(values))
    reach = pre_period_of(metric)
    stratum = f"case when seen >= {-reach} then 1 else 0 end" if reach else "0"
    day = f"(exposed - {wanted.start}) {wanted.quotient} {DAY}" if wanted.by_day else "0"
    return (
        f"select arm, {stratum} as stratum, {day} as day, {listed} from own"
        f" where {mature(metric, closing=wanted.closing, maturity=wanted.maturity)}"
    )


def _totals() -> str:
    nothing = ["null::double precision"] * (2 * WIDTH - 1 + WIDTH * (WIDTH + 1) // 2)
    return (
        f"select {TOTALS} as metric, arm, 0 as stratum, 0 as day, count(*),"
        f" coalesce(sum(spoiled), 0)::double precision, {', '.join(nothing)} from own group by arm"
    )


def _bucket(closings: Sequence[int]) -> str:
    cases = " ".join(f"when e.moment < {closing} then {place}" for place, closing in enumerate(closings))
    return f"case {cases} end"


def _pairs(columns: Sequence[str]) -> list[tuple[str, str]]:
    return [(one, other) for place, one in enumerate(columns) for other in columns[place:]]


def _padded(values: list[str], *, to: int) -> list[str]:
    return values + ["null::double precision"] * (to - len(values))


def _ranked(relation: str, column: str, *, by: str = "") -> str:
    partition = f"partition by {by} " if by else ""
    return (
        f"select {f'{by}, ' if by else ''}{column}, row_number() over ({partition}order by {column}) as place,"
        f" count(*) over ({partition.strip()}) as n from {relation}"
    )
