"""Which of two rankings do readers choose from, where both fill one feed by turns (team draft).

Radlinski, Kurup, Joachims (2008): each choice is credited to the arm whose turn it was to place the item; a session is
won by the arm with more credits. Sessions of one reader are alike, so readers are the units: the preference is a ratio
over readers by the delta method, beside it the exact sign test of readers, which knows nothing of sizes.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import LEAST_P, check_alpha, two_sided_t
from opsctl.experiments.statistics.estimates import Estimate, Interval, estimate_ratio, interval_of
from opsctl.experiments.statistics.moments import Moments, moments_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class InterleavingStatistics:
    """What is kept of interleaved sessions.

    Args:
        moments: over readers, of (sessions won by the treatment less those won by the control, sessions with any choice).
        for_treatment: readers who gave it more sessions.
        for_control: readers who gave that more sessions.
    """

    moments: Moments
    for_treatment: int
    for_control: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """How much more the treatment is chosen.

    Args:
        value: (sessions won - sessions lost) / sessions, from -1 to 1; 0 is no preference.
        error: standard error of it, over readers.
        interval: of it.
        p_value: of the value, Student's t over readers, two-sided; where all are of one mind, that of the sign test.
        sign_p_value: of readers for and against, exact, two-sided; the cautious second opinion.
        readers: with any choice.
    """

    value: float
    error: float
    interval: Interval
    p_value: float
    sign_p_value: float
    readers: int


def preference(statistics: InterleavingStatistics, *, alpha: float = 0.05) -> Preference | CannotTell:
    """Return which arm is preferred."""
    estimate = estimate_ratio(statistics.moments)
    if isinstance(estimate, CannotTell):
        return estimate
    sign_p_value = _sign_test(statistics.for_treatment, statistics.for_control)
    if estimate.variance:
        interval = interval_of(estimate, alpha=alpha)
        p_value = two_sided_t(estimate.value / estimate.error, estimate.degrees_of_freedom)
    elif abs(estimate.value) == 1:
        interval, p_value = _of_one_mind(estimate, alpha=alpha), sign_p_value
    else:
        return CannotTell(code="EXP095", because="all readers chose alike, so nothing says what chance does")
    return Preference(
        value=estimate.value,
        error=estimate.error,
        interval=interval,
        p_value=p_value,
        sign_p_value=sign_p_value,
        readers=estimate.n,
    )


def interleaving_statistics(
    readers: NDArray[np.int64], for_control: Floats, for_treatment: Floats
) -> InterleavingStatistics:
    """Return the statistics of sessions held in memory; those without any choice say nothing and are left out.

    Args:
        readers: shape (sessions,), whose each session is.
        for_control: shape (sessions,), choices credited to the control.
        for_treatment: shape (sessions,), choices credited to the treatment.

    Raises:
        ValueError: a credit is negative or not finite.
    """
    credits_ = np.stack([for_control, for_treatment])
    if not (np.isfinite(credits_).all() and (credits_ >= 0).all()):
        raise ValueError("a credit is negative or not finite")
    chosen = credits_.sum(axis=0) > 0
    won = np.sign(for_treatment - for_control)[chosen]
    _, owners = np.unique(readers[chosen], return_inverse=True)
    balance, sessions = np.bincount(owners, weights=won), np.bincount(owners)
    return InterleavingStatistics(
        moments=moments_of(np.column_stack([balance, sessions])),
        for_treatment=int((balance > 0).sum()),
        for_control=int((balance < 0).sum()),
    )


def _of_one_mind(estimate: Estimate, *, alpha: float) -> Interval:
    """Return the interval where every session of every reader was won by the same arm: that of a share of n of n readers."""
    check_alpha(alpha)
    least = 2 * math.pow(alpha / 2, 1 / estimate.n) - 1
    return Interval(low=least, high=1.0) if estimate.value > 0 else Interval(low=-1.0, high=-least)


def _sign_test(one: int, other: int) -> float:
    """Return the probability that a fair coin divides as unevenly as this, or more."""
    total, fewer = one + other, min(one, other)
    return max(min(1.0, 2 * float(special.bdtr(fewer, total, 0.5))), LEAST_P) if total else 1.0
