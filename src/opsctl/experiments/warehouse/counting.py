"""Who was in an experiment at a moment: a few statements about units, and their rows made a value."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from opsctl.experiments.warehouse.frame import Frame, exposed_in
from opsctl.experiments.warehouse.model import OTHER_VALUES, Population, Trial
from opsctl.experiments.warehouse.query import Engine, microseconds
from opsctl.experiments.warehouse.unit_statements import (
    IN_SEVERAL_ARMS,
    UNKNOWN_ARM,
    Exposed,
    dimension_counts,
    exposure_counts,
    stranger_counts,
    unit_counts,
)


def count_population(engine: Engine, frame: Frame, trial: Trial, *, at: datetime) -> Population:
    """Return who was in the experiment at that moment."""
    closing = microseconds(trial.closing(at))
    exposed = exposed_in(trial, until=closing)
    units, by_day = _placed(engine, frame, closing=closing)
    early, late, unreadable = _exposures(engine, frame, exposed, end=microseconds(trial.end), at=at)
    strangers = units.get(UNKNOWN_ARM, 0)
    return Population(
        at=at,
        units={arm: units.get(place, 0) for place, arm in enumerate(frame.arms)},
        strangers=_strangers(engine, frame, exposed, closing=closing, total=strangers) if strangers else {},
        in_several_arms=units.get(IN_SEVERAL_ARMS, 0),
        early=early,
        late=late,
        unreadable=unreadable,
        by_day=by_day,
        dimensions=_dimensions(engine, frame, exposed, closing=closing) if exposed.attributes else {},
    )


def _placed(
    engine: Engine, frame: Frame, *, closing: int
) -> tuple[Mapping[int, int], Mapping[int, Mapping[str, int]]]:
    query = unit_counts(engine, frame.units, start=frame.start, closing=closing, parameters=frame.parameters)
    units: dict[int, int] = defaultdict(int)
    by_day: dict[int, dict[str, int]] = {}
    for arm, day, count in engine.rows(query):
        units[arm] += count
        if arm >= 0:
            by_day.setdefault(day, dict.fromkeys(frame.arms, 0))[frame.arms[arm]] = count
    return units, dict(sorted(by_day.items()))


def _exposures(
    engine: Engine, frame: Frame, exposed: Exposed, *, end: int, at: datetime
) -> tuple[int, int, int]:
    query = exposure_counts(engine, exposed, end=end, at=microseconds(at), parameters=frame.parameters)
    early, late, unreadable = engine.rows(query)[0]
    return early, late, unreadable


def _strangers(
    engine: Engine, frame: Frame, exposed: Exposed, *, closing: int, total: int
) -> Mapping[str, int]:
    query = stranger_counts(engine, frame.units, exposed, closing=closing, parameters=frame.parameters)
    found = dict(engine.rows(query))
    rest = total - sum(found.values())
    return found | ({OTHER_VALUES: rest} if rest else {})


def _dimensions(
    engine: Engine, frame: Frame, exposed: Exposed, *, closing: int
) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    query = dimension_counts(engine, frame.units, exposed, closing=closing, parameters=frame.parameters)
    found: dict[str, dict[str, dict[str, int]]] = {name: {} for name in exposed.attributes}
    for place, arm, value, count in engine.rows(query):
        values = found[exposed.attributes[place]]
        named = OTHER_VALUES if value is None else value
        values.setdefault(named, dict.fromkeys(frame.arms, 0))[frame.arms[arm]] += int(count)
    return {name: dict(sorted(values.items())) for name, values in found.items()}
