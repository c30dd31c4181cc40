"""Did each arm get the units that its weight gives it: a sample ratio mismatch makes every other number worthless.

Chi-square against the weights, by its upper tail. An arm of weight 0 is in neither the sum nor the degrees of freedom;
a unit in it is a fault of its own, whatever the test says. Where fewer than five units are expected in an arm, the
chi-square distribution is not to be trusted: the exact binomial for two arms, seeded draws for more.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import LEAST_P, check_alpha, chi_square_tail

Floats = NDArray[np.float64]

SRM_ALPHA = 0.001
"""A mismatch is declared below it; the same threshold as in GrowthBook and Eppo."""
SMALL_EXPECTATION = 5.0
"""Fewer expected units in an arm than this, and p is not taken from the chi-square distribution."""
_DRAWS = 100_000
_BATCH = 10_000
_SEED = 20_080  # of the draws: the same counts give the same p on every machine


class Distribution(StrEnum):
    """Where a p-value is from."""

    CHI_SQUARE = "chi-square"
    BINOMIAL = "binomial, exact"
    DRAWS = "100000 seeded draws"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitTest:
    """How likely the counts are by chance.

    Args:
        statistic: chi-square.
        degrees_of_freedom: arms with a weight, less 1.
        p_value: by `distribution`.
        distribution: where p is from.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    distribution: Distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The units of arms beside those expected.

    Args:
        counts: units by arm, those of every arm with a weight, and of any other that has some.
        expected: units by arm with a weight.
        stray: units in arms that have no weight, or that nobody knows.
        test: of the arms with a weight.
        alpha: p below it is a mismatch.
    """

    counts: Mapping[str, int]
    expected: Mapping[str, float]
    stray: Mapping[str, int]
    test: SplitTest | CannotTell
    alpha: float

    @property
    def is_mismatch(self) -> bool:
        """Tell whether no verdict may rest on these units."""
        return bool(self.stray) or (isinstance(self.test, SplitTest) and self.test.p_value < self.alpha)

    @property
    def greatest_deviation(self) -> float:
        """Return how far an arm is from what is expected, as a share of that."""
        return max(
            (abs(self.counts[arm] / each - 1) for arm, each in self.expected.items() if each), default=0.0
        )


def check_split(
    counts: Mapping[str, int], weights: Mapping[str, float], *, alpha: float = SRM_ALPHA
) -> Split:
    """Hold the units of arms against their weights.

    Raises:
        ValueError: the weights do not sum to 1, or a count is negative.
    """
    check_alpha(alpha)
    _check_weights(weights)
    if any(count < 0 for count in counts.values()):
        raise ValueError("a count of units is negative")
    active = {arm: weight for arm, weight in weights.items() if weight > 0}
    seen = {arm: counts.get(arm, 0) for arm in active}
    total = sum(seen.values())
    expected = {arm: total * weight for arm, weight in active.items()}
    stray = {arm: count for arm, count in counts.items() if count and arm not in active}
    return Split(
        counts=seen | stray, expected=expected, stray=stray, test=_test(seen, active, total), alpha=alpha
    )


def check_independence(table: Mapping[tuple[str, str], int]) -> SplitTest | CannotTell:
    """Test whether the arms of two concurrent experiments are independent, from the units in both.

    Args:
        table: units by (arm of the one, arm of the other); a pair that is not there has none.

    Raises:
        ValueError: a count is negative.
    """
    rows, columns = (list(dict.fromkeys(pair[side] for pair in table)) for side in (0, 1))
    counts = np.array([[table.get((row, column), 0) for column in columns] for row in rows], dtype=np.int64)
    if counts.size and counts.min() < 0:
        raise ValueError("a count of units is negative")
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0] if counts.size else counts
    if min(counts.shape, default=0) < 2:
        return CannotTell(code="EXP089", because="the units in both experiments are of one arm only")
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    if expected.min() >= SMALL_EXPECTATION:
        p_value, distribution = chi_square_tail(statistic, freedom), Distribution.CHI_SQUARE
    else:
        p_value, distribution = _drawn_tables(counts, expected, statistic), Distribution.DRAWS
    return SplitTest(
        statistic=statistic, degrees_of_freedom=freedom, p_value=p_value, distribution=distribution
    )


def _check_weights(weights: Mapping[str, float]) -> None:
    total = math.fsum(weights.values())
    if not all(weight >= 0 for weight in weights.values()) or not abs(total - 1) <= 1e-9:
        raise ValueError(f"the weights of the arms sum to {total:.6g}, not to 1, or one is negative")


def _test(counts: Mapping[str, int], weights: Mapping[str, float], total: int) -> SplitTest | CannotTell:
    if total == 0:
        return CannotTell(code="EXP089", because="no arm has any units")
    if len(weights) == 1:
        return CannotTell(code="EXP089", because="one arm only has a weight, so it gets all")
    expected = np.array([total * weight for weight in weights.values()])
    seen = np.array([counts[arm] for arm in weights], dtype=np.float64)
    statistic, freedom = float(((seen - expected) ** 2 / expected).sum()), len(weights) - 1
    if expected.min() >= SMALL_EXPECTATION:
        p_value, distribution = chi_square_tail(statistic, freedom), Distribution.CHI_SQUARE
    elif freedom == 1:
        p_value = _binomial(int(seen[0]), total, next(iter(weights.values())))
        distribution = Distribution.BINOMIAL
    else:
        p_value, distribution = _drawn(expected / total, total, statistic), Distribution.DRAWS
    return SplitTest(
        statistic=statistic, degrees_of_freedom=freedom, p_value=p_value, distribution=distribution
    )


def _binomial(count: int, total: int, weight: float) -> float:
    """Return P(as far from the expectation as this, or farther), of both sides."""
    distance = abs(count - total * weight) * (1 - 1e-12)
    low, high = math.floor(total * weight - distance), math.ceil(total * weight + distance)
    below = float(special.bdtr(low, total, weight)) if low >= 0 else 0.0
    above = float(special.bdtrc(high - 1, total, weight)) if 1 <= high <= total else float(high < 1)
    return min(max(below + above, LEAST_P), 1.0)


def _drawn(shares: Floats, total: int, statistic: float) -> float:
    """Return how often units drawn by their weights are as far off; never 0, as the counts seen are one draw more."""
    generator, as_far = np.random.Generator(np.random.PCG64(_SEED)), 0
    for _ in range(_DRAWS // _BATCH):
        drawn = generator.multinomial(total, shares, _BATCH)
        as_far += int(
            (((drawn - total * shares) ** 2 / (total * shares)).sum(axis=1) >= statistic * (1 - 1e-12)).sum()
        )
    return (as_far + 1) / (_DRAWS + 1)


def _drawn_tables(counts: NDArray[np.int64], expected: Floats, statistic: float) -> float:
    """Return how often a table with the same margins is as far off."""
    from scipy import stats

    generator, as_far = np.random.Generator(np.random.PCG64(_SEED)), 0
    margins = stats.random_table(counts.sum(axis=1), counts.sum(axis=0))
    for _ in range(_DRAWS // _BATCH):
        drawn = margins.rvs(_BATCH, random_state=generator)
        as_far += int(
            (((drawn - expected) ** 2 / expected).sum(axis=(1, 2)) >= statistic * (1 - 1e-12)).sum()
        )
    return (as_far + 1) / (_DRAWS + 1)
