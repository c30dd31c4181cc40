"""What is the mean, share or ratio of an arm, and how far may it be off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import check_alpha, t_quantile
from opsctl.experiments.statistics.moments import Moments

FEW_UNITS = 10
"""Fewer units with, or without, an event: the share of an arm is far from normal, and the estimate says so."""
_NOISY_DENOMINATOR = 1 / 3  # the delta method divides by a mean that is hardly told from 0
_DOUBTFUL_DENOMINATOR = 0.1  # Hinkley (1969): below it a ratio of means is normal for all purposes
_ROUNDING = 1e-13  # of a sum of terms that cancel
_EPSILONS = 8 * 2.0**-52  # of a mean: what adding up n equal numbers leaves as their spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """From `low` to `high`, both finite."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and how far it may be off.

    Args:
        value: the number.
        variance: of the number itself, the square of its standard error; 0 where no unit differs from another.
        n: units behind it.
        degrees_of_freedom: of the variance.
        cautions: what a reader should know before trusting it.

    Raises:
        ValueError: a part is not finite, or out of its range.
    """

    value: float
    variance: float
    n: int
    degrees_of_freedom: float
    cautions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.variance) and self.variance >= 0):
            raise ValueError(f"no estimate: value {self.value}, variance {self.variance}")
        if not (self.n >= 2 and self.degrees_of_freedom > 0):
            raise ValueError(f"no estimate: {self.n} units, {self.degrees_of_freedom} degrees of freedom")

    @property
    def error(self) -> float:
        """Return the standard error."""
        return math.sqrt(self.variance)


def interval_of(estimate: Estimate, *, alpha: float) -> Interval:
    """Return the interval that holds the true value with a probability of 1 - alpha."""
    check_alpha(alpha)
    width = t_quantile(1 - alpha / 2, estimate.degrees_of_freedom) * estimate.error
    return Interval(low=estimate.value - width, high=estimate.value + width)


def estimate_mean(moments: Moments) -> Estimate | CannotTell:
    """Return the mean of the first variable.

    Raises:
        ValueError: the moments are none, such as NaN or a negative count.
    """
    check_moments(moments)
    if (nothing := too_few(moments.n)) is not None:
        return nothing
    return Estimate(
        value=moments.means[0],
        variance=combined(moments, (1.0,)) / moments.n,
        n=moments.n,
        degrees_of_freedom=moments.n - 1,
    )


def estimate_proportion(moments: Moments) -> Estimate | CannotTell:
    """Return the share of units whose first variable is 1.

    Raises:
        ValueError: the moments are none, or not those of a variable that is 0 or 1.
    """
    estimate = estimate_mean(moments)
    if isinstance(estimate, CannotTell):
        return estimate
    share, n = estimate.value, estimate.n
    expected = n * share * (1 - share)
    if not -1e-9 <= share <= 1 + 1e-9 or abs(moments.comoments[0][0] - expected) > 1e-6 * (expected + 1):
        raise ValueError(
            f"a share is of units that are 0 or 1; these have the mean {share:g} and other values"
        )
    rarer = round(n * min(share, 1 - share))
    if rarer >= FEW_UNITS:
        return estimate
    which = "have" if share < 0.5 else "lack"
    caution = f"only {rarer} of {n} units {which} the event; a share of so few is far from normal"
    return _with_caution(estimate, caution)


def estimate_ratio(moments: Moments) -> Estimate | CannotTell:
    """Return the mean of the first variable divided by that of the second, by the delta method.

    `Var(R) = (s_yy - 2 R s_yd + R^2 s_dd) / (n mean_d^2)`, over units, whatever the number of their events.

    Raises:
        ValueError: the moments are none, or of one variable only.
    """
    check_moments(moments)
    if moments.width < 2:
        raise ValueError("a ratio needs the moments of two variables")
    nothing = too_few(moments.n) or denominator_fault(moments)
    if nothing is not None:
        return nothing
    above, below = moments.means[:2]
    ratio = above / below
    estimate = Estimate(
        value=ratio,
        variance=combined(moments, (1 / below, -ratio / below)) / moments.n,
        n=moments.n,
        degrees_of_freedom=moments.n - 1,
    )
    spread = _denominator_spread(moments)
    if spread <= _DOUBTFUL_DENOMINATOR:
        return estimate
    return _with_caution(
        estimate, f"the mean below the line has a standard error of {spread:.0%}; the ratio may be skewed"
    )


def combined(moments: Moments, factors: Sequence[float]) -> float:
    """Return the sample variance of `sum_a factor_a v_a` of the first variables; what is mere rounding counts as 0."""
    terms = [
        one * other * moments.comoments[row][column]
        for row, one in enumerate(factors)
        for column, other in enumerate(factors)
    ]
    size = sum(abs(term) for term in terms)
    of_means = math.hypot(*(_EPSILONS * factor * moments.means[at] for at, factor in enumerate(factors)))
    total = math.fsum(terms)
    return total / (moments.n - 1) if total > _ROUNDING * size + moments.n * of_means * of_means else 0.0


def denominator_fault(moments: Moments) -> CannotTell | None:
    """Return why nothing can be divided by the mean of the second variable, or None."""
    if moments.means[1] == 0:
        return CannotTell(code="EXP083", because="what the ratio divides by is 0 in all")
    spread = _denominator_spread(moments)
    if spread <= _NOISY_DENOMINATOR:
        return None
    return CannotTell(
        code="EXP084",
        because=f"what the ratio divides by has a standard error of {spread:.0%}, so it is hardly told from 0",
    )


def check_moments(moments: Moments) -> None:
    """Refuse what are no moments.

    Raises:
        ValueError: a number is NaN or infinite, or a count or a sum of squares negative.
    """
    numbers = [*moments.means, *(number for row in moments.comoments for number in row)]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("a mean or a co-moment is NaN or infinite")
    if moments.n < 0 or not moments.means or len(moments.comoments) != moments.width:
        raise ValueError(f"no moments: {moments.n} units, {moments.width} variables")
    if any(row[column] < 0 for column, row in enumerate(moments.comoments)):
        raise ValueError("a sum of squares is negative")


def too_few(n: int) -> CannotTell | None:
    """Return why n units say nothing, or None."""
    if n == 0:
        return CannotTell(code="EXP080", because="it has no units")
    if n == 1:
        return CannotTell(
            code="EXP081", because="it has one unit only, which says nothing of how units differ"
        )
    return None


def _denominator_spread(moments: Moments) -> float:
    """Return the standard error of the second variable's mean as a share of it."""
    error = math.sqrt(moments.comoments[1][1] / (moments.n - 1) / moments.n)
    return error / abs(moments.means[1])


def _with_caution(estimate: Estimate, caution: str) -> Estimate:
    return replace(estimate, cautions=(*estimate.cautions, caution))
