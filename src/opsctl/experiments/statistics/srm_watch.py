"""Have the arms the sizes that their weights give them, asked at every look: an error rate that holds for all looks together.

A test at 0.001 that is made again at every look calls far more than one right experiment in 1,000 wrong. Half of alpha is
for every moment while units come: the sequential multinomial test of Lindon and Malek (2020, "Anytime-Valid Inference for
Multinomial Count Data", arXiv 2011.03567), a Bayes factor of a Dirichlet around the weights against the weights themselves,

    BF = G(k) / G(k + n) * prod_i G(k w_i + n_i) / (G(k w_i) w_i^n_i),   G the gamma function

which is 1 on average where the weights are true, at whatever unit one stops, so it ever exceeds 1 / a with a probability of
at most a. So is the mean of several such factors, of which one is tuned for the planned number of units, one for a tenth and
one for a hundredth of it: readers who are lost are to be missed on the first day. The other half is for the horizon, when all units are there, and counting them again changes nothing: the test of
`srm.py`, once. Twice the lesser p of both is below alpha ever with a probability of at most alpha.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.confidence_sequence import USUAL_UNITS
from opsctl.experiments.statistics.distributions import LEAST_P
from opsctl.experiments.statistics.srm import SRM_ALPHA, Split, SplitTest, check_independence, check_split

Floats = NDArray[np.float64]

HALVES = 2
"""Alpha is for two tests: one while units come, one when all are there."""
_UNITS_A_CONCENTRATION = 15.0
"""Units for each unit of k; with it the chi-square that is needed at that number of units is least, which is of two arms and
one factor about (1 + 1/r) (2 ln(1 / a) + ln(1 + r)), r = n / k."""
_TUNED_FOR = (1.0, 0.1, 0.01)
"""Shares of the planned units for each of which one factor is tuned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The units of arms at a look, given all looks before it.

    Args:
        split: those of the last look.
        p_value: below alpha, ever, of one right experiment in 1 / alpha; None where nothing can be told.
        alpha: p below it is a mismatch.
    """

    split: Split
    p_value: float | None
    alpha: float

    @property
    def is_mismatch(self) -> bool:
        """Tell whether no verdict may rest on these units."""
        return bool(self.split.stray) or (self.p_value is not None and self.p_value < self.alpha)


def watch_split(
    history: Sequence[Mapping[str, int]],
    weights: Mapping[str, float],
    *,
    planned: int | None,
    is_over: bool,
    alpha: float = SRM_ALPHA,
) -> Watched:
    """Hold the units of arms against their weights, at a look that may be one of many.

    Args:
        history: units by arm at each look so far, the present last; what an earlier one has shown stays shown.
        weights: by arm.
        planned: units by the horizon, over all arms, for which the test is tuned; None where none are planned.
        is_over: whether the horizon is reached, so that no more units come.
        alpha: error rate of all looks together.

    Raises:
        ValueError: there is no look, the weights do not sum to 1, or a count is negative.
    """
    split = check_split(history[-1], weights, alpha=alpha / HALVES)
    if isinstance(split.test, CannotTell):
        return Watched(split=split, p_value=None, alpha=alpha)
    active = [arm for arm, weight in weights.items() if weight > 0]
    counts = np.array([[look.get(arm, 0) for arm in active] for look in history], dtype=np.float64)
    shares = np.array([weights[arm] for arm in active])
    least = _p_of(float(log_bayes_factors(counts, shares, planned=planned).max()))
    if is_over:
        least = min(least, split.test.p_value)
    return Watched(split=split, p_value=_for_both(least), alpha=alpha)


def watch_splits(
    breakdown: Mapping[str, Mapping[str, int]],
    weights: Mapping[str, float],
    *,
    planned: int | None,
    is_over: bool,
    alpha: float = SRM_ALPHA,
) -> tuple[Mapping[str, Watched], tuple[str, ...]]:
    """Do the same within each value of each dimension, held together to one error rate (Bonferroni).

    Returns:
        Each value's, and the values that are a mismatch, the least likely first.

    Raises:
        ValueError: the weights do not sum to 1, or a count is negative.
    """
    tested = sum(isinstance(check_split(counts, weights).test, SplitTest) for counts in breakdown.values())
    found = {
        value: watch_split([counts], weights, planned=planned, is_over=is_over, alpha=alpha / max(tested, 1))
        for value, counts in breakdown.items()
    }
    bad = [value for value, each in found.items() if each.is_mismatch]
    return found, tuple(sorted(bad, key=lambda value: (_rank(found[value]), value)))


def watch_independence(
    table: Mapping[tuple[str, str], int], weights: Mapping[str, float], *, planned: int | None, is_over: bool
) -> float | CannotTell:
    """Return p, valid at every look, that the arms of two concurrent experiments are independent.

    Among the units of each arm of the other experiment this one's arms have this one's weights, whoever looks when; the
    Bayes factors of those groups multiply, since a unit is in one of them only.

    Args:
        table: units by (arm of this experiment, arm of the other one).
        weights: of this experiment's arms.
        planned: units of this experiment by its horizon.
        is_over: whether both have reached their horizons.

    Raises:
        ValueError: a count is negative.
    """
    tested = check_independence(table)
    if isinstance(tested, CannotTell):
        return tested
    active = [arm for arm, weight in weights.items() if weight > 0]
    others = dict.fromkeys(other for _, other in table)
    counts = np.array([[table.get((arm, other), 0) for arm in active] for other in others], dtype=np.float64)
    shares = np.array([weights[arm] for arm in active])
    least = _p_of(float(log_bayes_factors(counts, shares, planned=planned).sum()))
    return _for_both(min(least, tested.p_value) if is_over else least)


def log_bayes_factors(counts: Floats, shares: Floats, *, planned: int | None = None) -> Floats:
    """Return the logarithm of the mean of the Bayes factors at each of these looks.

    Args:
        counts: units, shape (..., arms).
        shares: weights of the arms, above 0, shape (arms,); they sum to 1.
        planned: units by the horizon; the usual number where none are planned.
    """
    most = (planned or USUAL_UNITS) / _UNITS_A_CONCENTRATION
    factors = [_log_bayes_factor(counts, shares, concentration=max(most * each, 1.0)) for each in _TUNED_FOR]
    return np.asarray(special.logsumexp(factors, axis=0) - math.log(len(factors)))


def _log_bayes_factor(counts: Floats, shares: Floats, *, concentration: float) -> Floats:
    prior, units = concentration * shares, counts.sum(axis=-1)
    of_arms = special.gammaln(prior + counts) - special.gammaln(prior) - counts * np.log(shares)
    of_all = special.gammaln(concentration) - special.gammaln(concentration + units)
    return np.asarray(of_all + of_arms.sum(axis=-1))


def _p_of(log_bayes_factor: float) -> float:
    return max(math.exp(-max(log_bayes_factor, 0.0)), LEAST_P)


def _for_both(p_value: float) -> float:
    return min(HALVES * p_value, 1.0)


def _rank(watched: Watched) -> float:
    return 0.0 if watched.split.stray or watched.p_value is None else watched.p_value
