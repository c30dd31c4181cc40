"""What is a quantile of all events of an arm, where the events of one unit are alike.

Deng, Knoblich, Lu (2018), "outer" interval: the share of events at or below the quantile is a ratio over units; its
error says between which two levels the true quantile lies, and the values at these levels are the interval. Three
passes over the events, none of which holds them all:

1. the value at level p;
2. of each unit, the events at or below that value and all events (`Moments`), hence `outer_levels`;
3. the values at the two outer levels.

The value at level p is the smallest one with at least a share p of the events at or below it (`quantile_disc` in SQL).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate, combined, estimate_ratio
from opsctl.experiments.statistics.moments import Moments, moments_of

Floats = NDArray[np.float64]

OUTER_Z = 1.96
"""How many standard errors the outer levels lie from p."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileStatistics:
    """What is kept of an arm's events in place of their values.

    Args:
        level: p, such as 0.95.
        value: the value at level p.
        low: the value at the lower of `outer_levels`.
        high: the value at the higher one.
        moments: over units, of (events at or below `value`, events); units without events are not among them.
    """

    level: float
    value: float
    low: float
    high: float
    moments: Moments


def outer_levels(moments: Moments, *, level: float) -> tuple[float, float] | CannotTell:
    """Return the two levels whose values are asked for in the third pass.

    Args:
        moments: over units, of (events at or below the value at `level`, events).
        level: p.

    Raises:
        ValueError: the level is none.
    """
    if not 0 < level < 1:
        raise ValueError(f"a quantile's level lies between 0 and 1, got {level}")
    share = estimate_ratio(moments)
    if isinstance(share, CannotTell):
        return share
    # about p and not about the share: where many events tie at the value, the share may lie far above p
    below = moments.means[1]
    error = math.sqrt(combined(moments, (1 / below, -level / below)) / moments.n)
    low, high = level - OUTER_Z * error, level + OUTER_Z * error
    if low > 0 and high < 1:
        return low, high
    return CannotTell(
        code="EXP087",
        because=f"{moments.n} units say too little of the {level:g} quantile: its interval would go beyond all events",
    )


def estimate_quantile(statistics: QuantileStatistics) -> Estimate | CannotTell:
    """Return the quantile with the error `(high - low) / (2 z)`.

    Raises:
        ValueError: the values are not finite, or not in their order.
    """
    values = (statistics.low, statistics.value, statistics.high)
    if not all(math.isfinite(value) for value in values) or sorted(values) != list(values):
        raise ValueError(f"no quantile: {values}")
    levels = outer_levels(statistics.moments, level=statistics.level)
    if isinstance(levels, CannotTell):
        return levels
    if statistics.low == statistics.high:
        return CannotTell(
            code="EXP088",
            because=f"so many events are exactly {statistics.value:g} that the quantile moves in steps; count them as a share",
        )
    return Estimate(
        value=statistics.value,
        variance=((statistics.high - statistics.low) / (2 * OUTER_Z)) ** 2,
        n=statistics.moments.n,
        degrees_of_freedom=statistics.moments.n - 1,
    )


def quantile_statistics(
    values: Floats, units: NDArray[np.int64], *, level: float
) -> QuantileStatistics | CannotTell:
    """Return the statistics of events held in memory: for tests and for simulation.

    Args:
        values: shape (events,).
        units: shape (events,), whose each event is.
        level: p.

    Raises:
        ValueError: a value is not finite.
    """
    if not np.isfinite(values).all():
        raise ValueError("a value is NaN or infinite")
    if not len(values):
        return CannotTell(code="EXP080", because="it has no events")
    ordered = np.sort(values)
    value = _value_at(ordered, level)
    _, owners = np.unique(units, return_inverse=True)
    events = np.bincount(owners)
    moments = moments_of(np.column_stack([np.bincount(owners, weights=values <= value), events]))
    levels = outer_levels(moments, level=level)
    if isinstance(levels, CannotTell):
        return levels
    return QuantileStatistics(
        level=level,
        value=value,
        low=_value_at(ordered, levels[0]),
        high=_value_at(ordered, levels[1]),
        moments=moments,
    )


def _value_at(ordered: Floats, level: float) -> float:
    """Return the smallest value with at least this share of all at or below it."""
    return float(ordered[max(math.ceil(len(ordered) * level) - 1, 0)])
