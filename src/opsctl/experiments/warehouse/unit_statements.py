"""Who was in an experiment, and when: statements about units, each of them once, whatever the number of exposures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.experiments.warehouse.query import DAY, Engine, Query, Stage, literal, literals

IN_SEVERAL_ARMS = -2
"""Stands for the arm of a unit that saw more than one."""
UNKNOWN_ARM = -1
MOST_VALUES = 50
"""Values of a dimension that are told apart; a unit's id as dimension must not bring a row for each unit."""
MOST_LETTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """Whose exposures are read.

    Args:
        parameter: that holds the experiment's name.
        arms: of the book; in statements an arm is its place among them.
        start: exposures from here on count...
        until: ... and before here, at the last look.
    """

    parameter: str
    arms: Sequence[str]
    start: int
    until: int
    attributes: Sequence[str] = field(default=())


def units_stage(engine: Engine, exposed: Exposed, *, name: str = "units") -> Stage:
    """Return the units: number, id, first arm, first exposure, its attributes, and when a second arm was seen, if ever.

    Numbers are dense, so that what is kept of a unit can be found by its number alone, and in the order of ids, as events are
    in files that are sorted by them.
    """
    source = engine.exposures(parameter=exposed.parameter)
    first = engine.dialect.earliest.format(text="attributes", moment="moment")
    attributes = f", {first} as attributes" if exposed.attributes else ", '' as attributes"
    return Stage(
        name=name,
        sql=f"""
with exposures as not materialized (
    select unit_id, {_arm_of(exposed.arms)} as arm, moment, attributes from ({source}) as source
    where unit_id is not null and variant is not null and moment >= {exposed.start} and moment < {exposed.until}
), firsts as (
    select unit_id, min(moment) as exposed, min(arm) as low, max(arm) as high{attributes}
    from exposures group by unit_id
), several as (
    select exposures.unit_id, exposures.arm, min(exposures.moment) as moment
    from exposures join firsts on firsts.unit_id = exposures.unit_id where firsts.low <> firsts.high
    group by exposures.unit_id, exposures.arm
), ordered as (
    select unit_id, arm, row_number() over by_time as place, lead(moment) over by_time as crossed_at
    from several window by_time as (partition by unit_id order by moment, arm)
)
select row_number() over (order by firsts.unit_id) - 1 as unit, firsts.unit_id, coalesce(ordered.arm, firsts.low) as arm, firsts.exposed,
    ordered.crossed_at, firsts.attributes
from firsts left join ordered on ordered.unit_id = firsts.unit_id and ordered.place = 1
order by unit""",
    )


def crossed_units_stage(others: int) -> Stage:
    """Return the units of `units_0` that are in `units_1`, too; an arm is that of both, the second one counting `others`."""
    return Stage(
        name="units",
        sql=f"""
select row_number() over () - 1 as unit, one.unit_id, one.arm * {others} + other.arm as arm,
    greatest(one.exposed, other.exposed) as exposed, least(one.crossed_at, other.crossed_at) as crossed_at
from units_0 as one join units_1 as other on other.unit_id = one.unit_id
where one.arm >= 0 and other.arm >= 0""",
    )


def members(closing: int, *, alias: str = "units") -> str:
    """Return the condition for a unit that is analysed at this moment."""
    return (
        f"{alias}.arm >= 0 and {alias}.exposed < {closing}"
        f" and ({alias}.crossed_at is null or {alias}.crossed_at >= {closing})"
    )


def unit_counts(
    engine: Engine, stages: tuple[Stage, ...], *, start: int, closing: int, parameters: Mapping[str, str]
) -> Query:
    """Return (arm or `IN_SEVERAL_ARMS`, day of the first exposure, units)."""
    return Query(
        stages=stages,
        parameters=parameters,
        sql=f"""
select arm, day, count(*) from (
    select case when crossed_at < {closing} then {IN_SEVERAL_ARMS} else arm end as arm,
        (exposed - {start}) {engine.dialect.quotient} {DAY} as day
    from units where exposed < {closing}
) as placed group by arm, day order by arm, day""",
    )


def exposure_counts(
    engine: Engine, exposed: Exposed, *, end: int, at: int, parameters: Mapping[str, str]
) -> Query:
    """Return one row: exposures before the start, from the end on, and those without a unit, an arm or a time."""
    source = engine.exposures(parameter=exposed.parameter)
    is_whole = "unit_id is not null and variant is not null and moment is not null"
    return Query(
        stages=(),
        parameters=parameters,
        sql=f"""
select count(case when {is_whole} and moment < {exposed.start} then 1 end),
    count(case when {is_whole} and moment >= {end} and moment < {at} then 1 end),
    count(case when {is_whole} then null else 1 end)
from ({source}) as source""",
    )


def stranger_counts(
    engine: Engine,
    stages: tuple[Stage, ...],
    exposed: Exposed,
    *,
    closing: int,
    parameters: Mapping[str, str],
) -> Query:
    """Return (arm that the book does not know, units), the most frequent ones first."""
    source = engine.exposures(parameter=exposed.parameter)
    return Query(
        stages=stages,
        parameters=parameters,
        sql=f"""
select variant, count(*) from (
    select units.unit, min(left(source.variant, {MOST_LETTERS})) as variant
    from units join ({source}) as source on source.unit_id = units.unit_id and source.moment = units.exposed
    where units.arm = {UNKNOWN_ARM} and units.exposed < {closing}
        and (units.crossed_at is null or units.crossed_at >= {closing})
        and source.variant not in ({literals(exposed.arms)})
    group by units.unit
) as strangers group by variant order by count(*) desc, variant limit {MOST_VALUES}""",
    )


def dimension_counts(
    engine: Engine,
    stages: tuple[Stage, ...],
    exposed: Exposed,
    *,
    closing: int,
    parameters: Mapping[str, str],
) -> Query:
    """Return (place of the attribute, arm, value or null for all rare ones, units)."""
    columns = [f"d{place}" for place in range(len(exposed.attributes))]
    extract = engine.dialect.extract
    values = ", ".join(
        f"coalesce(left({extract.format(json='attributes', key=literal(name))}, {MOST_LETTERS}), '') as {column}"
        for name, column in zip(exposed.attributes, columns, strict=True)
    )
    traits = f"select arm, {values} from units where {members(closing)}"
    tops = tuple(
        (
            f"top_{name}",
            f"select {name} as value, row_number() over (order by count(*) desc, {name}) as place from traits group by {name}",
        )
        for name in columns
    )
    return Query(
        stages=stages,
        parameters=parameters,
        parts=(("traits", traits), *tops),
        sql=" union all ".join(_of_dimension(place, name) for place, name in enumerate(columns)),
    )


def _of_dimension(place: int, name: str) -> str:
    return f"""
select {place} as dimension, arm, value, sum(units) as units from (
    select traits.arm, case when top.place <= {MOST_VALUES} then top.value end as value, 1 as units
    from traits join top_{name} as top on top.value = traits.{name}
) as placed group by arm, value"""


def _arm_of(arms: Sequence[str]) -> str:
    cases = " ".join(f"when {literal(arm)} then {place}" for place, arm in enumerate(arms))
    return f"case variant {cases} else {UNKNOWN_ARM} end"
