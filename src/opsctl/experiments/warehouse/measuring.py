"""What did means, proportions and ratios come to at a moment: caps first, then one statement for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opsctl.core.errors import FailedError
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.statistics.moments import Moments
from opsctl.experiments.warehouse.frame import Frame, asked
from opsctl.experiments.warehouse.metric_statements import (
    TOTALS,
    WIDTH,
    ValueAt,
    Wanted,
    caps_query,
    covariate_place,
    rows_query,
)
from opsctl.experiments.warehouse.model import ArmRow, Caps, MetricRows
from opsctl.experiments.warehouse.query import Engine

_FIRST_MEAN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Of each arm, by its place: units, and events without a finite value."""

    units: Mapping[int, int]
    spoiled: Mapping[int, int]

    def immature(self, frame: Frame, counted: Mapping[int, int]) -> dict[str, int]:
        """Return the units of each arm that do not count, given those that do."""
        return {arm: self.units.get(place, 0) - counted.get(place, 0) for place, arm in enumerate(frame.arms)}


def measure_means(
    engine: Engine, frame: Frame, wanted: Wanted, *, frozen: Mapping[str, Caps]
) -> tuple[dict[str, MetricRows], Totals]:
    """Return the rows of each wanted metric, and the totals."""
    caps = {**_caps(engine, frame, wanted, frozen=frozen), **_given(wanted, frozen)}
    cut = replace(wanted, caps={name: _cuts(wanted.metrics[name], each) for name, each in caps.items()})
    query = rows_query(frame.with_sums(engine), frame.columns, cut, parameters=frame.parameters)
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in engine.rows(query):
        found.setdefault(row[0], []).append(row)
    totals = Totals(
        units={row[1]: row[4] for row in found.get(TOTALS, [])},
        spoiled={row[1]: int(row[_FIRST_MEAN]) for row in found.get(TOTALS, [])},
    )
    rows = {
        name: _metric_rows(
            frame, name, found.get(place, []), wanted=wanted, caps=caps.get(name), totals=totals
        )
        for place, name in enumerate(wanted.metrics)
    }
    return rows, totals


def moments_of_row(row: tuple[Any, ...], *, width: int, metric: str) -> Moments:
    """Return the moments that a row tells by deviations from means that rounding has moved a little.

    Raises:
        FailedError: EXP058 the sums are beyond all numbers.
    """
    n = row[4]
    means = row[_FIRST_MEAN : _FIRST_MEAN + width]
    off = row[_FIRST_MEAN + WIDTH : _FIRST_MEAN + WIDTH + width]
    products = iter(row[_FIRST_MEAN + 2 * WIDTH :])
    table = [[0.0] * width for _ in range(width)]
    for one in range(width):
        for other in range(one, width):
            table[one][other] = table[other][one] = next(products) - off[one] * off[other] / n
        table[one][one] = max(table[one][one], 0.0)
    moments = Moments(
        n=n,
        means=tuple(mean + each / n for mean, each in zip(means, off, strict=True)),
        comoments=tuple(tuple(line) for line in table),
    )
    _require_finite(moments, metric=metric)
    return moments


def value_at(engine: Engine, frame: Frame) -> ValueAt:
    """Return how caps are found: units beyond what memory may hold are sorted on disk."""
    most = engine.most_values_at_once
    if most is None:
        return ValueAt(by_sorting=False)
    count = engine.rows(asked(frame, "select count(*) from units"))[0][0]
    return ValueAt(by_sorting=count > most)


def overflow(metric: str) -> FailedError:
    """Return what it means that sums are beyond all numbers."""
    return FailedError(
        f"the values of `{metric}` add up to no number",
        code="EXP058",
        why="a sum, or a square of one, is larger than 1.8e308",
        fix="look for values that cannot be right, or cap them: `winsorise: 0.999`",
    )


def _caps(engine: Engine, frame: Frame, wanted: Wanted, *, frozen: Mapping[str, Caps]) -> dict[str, Caps]:
    missing = {
        name: each
        for name, each in wanted.metrics.items()
        if each.winsorise is not None and name not in frozen
    }
    if not missing:
        return {}
    query = caps_query(
        frame.with_sums(engine),
        frame.columns,
        replace(wanted, metrics=missing, caps={}),
        parameters=frame.parameters,
        value_at=value_at(engine, frame),
    )
    names = list(missing)
    return {
        names[place]: _caps_of(missing[names[place]], n=n, outcome=outcome, covariate=covariate)
        for place, n, outcome, covariate in engine.rows(query)
    }


def _caps_of(metric: Metric, *, n: int, outcome: float | None, covariate: float | None) -> Caps:
    from opsctl.experiments.statistics.cannot_tell import CannotTell
    from opsctl.experiments.statistics.winsorise import Cap, cap_from

    def cap(value: float | None) -> Cap | CannotTell:
        if value is None or metric.winsorise is None:
            return CannotTell(code="EXP080", because="it has no units")
        return cap_from(value=value, level=metric.winsorise, n=n)

    return Caps(outcome=cap(outcome), covariate=None if metric.pre_period is None else cap(covariate))


def _given(wanted: Wanted, frozen: Mapping[str, Caps]) -> dict[str, Caps]:
    return {
        name: frozen[name]
        for name, metric in wanted.metrics.items()
        if metric.winsorise is not None and name in frozen
    }


def _cuts(metric: Metric, caps: Caps) -> dict[int, float]:
    from opsctl.experiments.statistics.winsorise import Cap

    places = ((0, caps.outcome), (covariate_place(metric), caps.covariate))
    return {place: cap.value for place, cap in places if place is not None and isinstance(cap, Cap)}


def _metric_rows(
    frame: Frame,
    name: str,
    found: list[tuple[Any, ...]],
    *,
    wanted: Wanted,
    caps: Caps | None,
    totals: Totals,
) -> MetricRows:
    width = len(frame.columns.variables[name])
    counted: dict[int, int] = {}
    rows = []
    for row in sorted(found, key=lambda each: (each[1], -each[2], each[3])):
        counted[row[1]] = counted.get(row[1], 0) + row[4]
        rows.append(
            ArmRow(
                arm=frame.arms[row[1]],
                has_pre_period=bool(row[2]),
                day=row[3] if wanted.by_day else None,
                moments=moments_of_row(row, width=width, metric=name),
            )
        )
    return MetricRows(
        metric=name,
        rows=tuple(rows),
        width=width,
        has_pre_period=wanted.metrics[name].pre_period is not None,
        immature=totals.immature(frame, counted),
        caps=caps,
    )


def _require_finite(moments: Moments, *, metric: str) -> None:
    import math

    numbers = [*moments.means, *(number for line in moments.comoments for number in line)]
    if not all(math.isfinite(number) for number in numbers):
        raise overflow(metric)
