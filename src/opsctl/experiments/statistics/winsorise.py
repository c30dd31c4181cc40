"""Where are the values of a few extreme units cut off: at one cap for all arms, frozen at the first look that has one.

A cap of each arm's own would cut off what a treatment does to its best units, and a cap that moves with every look would
make looks incomparable. Cutting off changes what is measured (a mean of capped values), which the book says openly. Of a ratio the
sum above the line is cut off; values of a pre-period are cut off at a cap of their own, at the same level.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opsctl.experiments.statistics.cannot_tell import CannotTell

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The greatest value that counts.

    Args:
        value: of the cap.
        level: the quantile that it was at.
        n: units of all arms that it was taken from.
    """

    value: float
    level: float
    n: int


def cap_from(*, value: float, level: float, n: int) -> Cap | CannotTell:
    """Return the cap where `value` is the quantile at `level` of all n units of all arms.

    Raises:
        ValueError: the value is not finite, or the level no upper quantile.
    """
    if not math.isfinite(value) or not 0.5 < level < 1:
        raise ValueError(f"no cap: {value} at level {level}")
    if n * (1 - level) < 1:
        return CannotTell(
            code="EXP096",
            because=f"of {n} units not one lies above the {level:g} quantile, so there is nothing to cut off",
        )
    if value <= 0:
        return CannotTell(
            code="EXP096",
            because=f"the {level:g} quantile of all units is {value:g}: a cap there would leave nothing of the metric",
        )
    return Cap(value=value, level=level, n=n)


def pooled_cap(values: Floats, *, level: float) -> Cap | CannotTell:
    """Return the cap of the values of all units of all arms together: for tests and for simulation.

    Raises:
        ValueError: a value is not finite, or the level no upper quantile.
    """
    if not np.isfinite(values).all():
        raise ValueError("a value is NaN or infinite")
    if not len(values):
        return CannotTell(code="EXP080", because="it has no units")
    value = float(np.quantile(values, level, method="inverted_cdf"))
    return cap_from(value=value, level=level, n=len(values))


def winsorised(values: Floats, cap: Cap) -> Floats:
    """Return the values, none above the cap."""
    capped: Floats = np.minimum(values, cap.value)
    return capped
