"""How did a lift go over time: a point for every moment, with intervals that hold at all of them together."""

from collections.abc import Sequence

from opsctl.experiments.analysis.model import Point
from opsctl.experiments.analysis.rules import Seen, tuning_of
from opsctl.experiments.book import Experiment
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import intervals_at
from opsctl.experiments.statistics.confidence_sequence import FEWEST_UNITS, Tuning, bound_at
from opsctl.experiments.statistics.estimates import Interval


def curve_of(experiment: Experiment, history: Sequence[Seen]) -> tuple[Point, ...]:
    """Return the lift at every moment, with intervals that hold at all of them together."""
    tuning = tuning_of(experiment, history)
    return tuple(point for seen in history if (point := _point(seen, tuning=tuning)) is not None)


def _point(seen: Seen, *, tuning: Tuning) -> Point | None:
    comparison = seen.pair.comparison
    if isinstance(comparison, CannotTell) or seen.pair.units < FEWEST_UNITS:
        return None
    difference, lift = intervals_at(comparison, critical=bound_at(seen.pair.units, tuning=tuning))
    is_relative = not isinstance(lift, CannotTell) and not isinstance(comparison.lift, CannotTell)
    interval = lift if is_relative else difference
    value = comparison.lift.value if is_relative else comparison.difference  # type: ignore[union-attr]
    assert isinstance(interval, Interval)  # noqa: S101
    return Point(
        at=seen.at,
        units=seen.pair.units,
        value=value,
        low=interval.low,
        high=interval.high,
        is_relative=is_relative,
    )
