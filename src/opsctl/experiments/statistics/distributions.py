"""How likely is so large a statistic by chance: upper tails and quantiles, never as `1 - cdf`, which ends at 1e-16."""

import math
import sys

from scipy import special

LEAST_P = sys.float_info.min
"""No probability is told as 0: this is the smallest number that a double holds in full."""
GREATEST_Z = 37.0
"""Beyond it a normal tail is below `LEAST_P`."""


def normal_tail(z: float) -> float:
    """Return P(Z >= z)."""
    return max(float(special.ndtr(-z)), LEAST_P)


def normal_quantile(p: float) -> float:
    """Return z with P(Z < z) = p."""
    return float(special.ndtri(p))


def t_tail(t: float, degrees_of_freedom: float) -> float:
    """Return P(T >= t) of Student's distribution; the degrees of freedom need not be whole."""
    return max(float(special.stdtr(degrees_of_freedom, -t)), LEAST_P)


def two_sided_t(t: float, degrees_of_freedom: float) -> float:
    """Return P(|T| >= |t|)."""
    return min(1.0, 2.0 * t_tail(abs(t), degrees_of_freedom))


def t_quantile(p: float, degrees_of_freedom: float) -> float:
    """Return t with P(T < t) = p."""
    return float(special.stdtrit(degrees_of_freedom, p))


def as_normal(t: float, degrees_of_freedom: float) -> float:
    """Return the z that is as unlikely as this t: what sequential bounds, which know only z, are held against."""
    z = -normal_quantile(t_tail(abs(t), degrees_of_freedom))
    return math.copysign(min(max(z, 0.0), GREATEST_Z), t)


def chi_square_tail(statistic: float, degrees_of_freedom: int) -> float:
    """Return P(X >= statistic)."""
    return max(float(special.chdtrc(degrees_of_freedom, statistic)), LEAST_P)


def check_alpha(alpha: float, *, below: float = 1.0) -> None:
    """Refuse what is no error rate.

    Raises:
        ValueError: alpha does not lie between 0 and `below`.
    """
    if not 0 < alpha < below:
        raise ValueError(f"alpha must lie between 0 and {below:g}, got {alpha}")
