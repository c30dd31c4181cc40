"""How much chance is taken out by what was known of units before the start: CUPED, and post-stratification.

Deng, Xu, Kohavi, Walker (2013), and for ratios the delta method of Deng, Knoblich, Lu (2018): a ratio is first made
linear, `r = (y - R d) / mean(d)`, and r is then adjusted by the pair of the pre-period, jointly.

    adjusted arm = sum_s w_s (mean_as(y) - theta_s . (mean_as(x) - mean_s(x)))

over strata s, such as units with and without a pre-period, with weights and theta pooled over the arms. What two arms
share by this (`w_s` and `mean_s(x)` are of all units) is their covariance, so that a difference and a lift are right.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate, estimate_mean, estimate_ratio
from opsctl.experiments.statistics.moments import merge
from opsctl.experiments.statistics.strata import (
    Cell,
    Floats,
    Strata,
    Stratum,
    cell_of,
    linear,
    pooled,
    slope,
    thick_strata,
    why_no_slope,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """The arms as they would be, were they alike before the start.

    Args:
        estimates: by arm; an arm of fewer than two units, or with nothing to divide by, says why it has none.
        unadjusted: the same without any adjustment.
        covariances: of each two arms (and of each with itself) by what they share.
        thetas: by stratum, in the order given but for those that were counted with another; zeros where not adjusted.
        variance_reduction: share of the variance that is gone; 0.4 is worth 67 % more units.
        not_adjusted: why no covariate was used, where none was.
    """

    estimates: Mapping[str, Estimate | CannotTell]
    unadjusted: Mapping[str, Estimate | CannotTell]
    covariances: Mapping[tuple[str, str], float]
    thetas: tuple[tuple[float, ...], ...]
    variance_reduction: float
    not_adjusted: CannotTell | None

    def covariance(self, one: str, other: str) -> float:
        """Return the covariance of two arms' estimates, as `compare` takes it."""
        return self.covariances.get((one, other), 0.0)


def adjust_means(arms: Mapping[str, Strata]) -> Adjusted:
    """Return means (of proportions, too) adjusted by strata and by the covariates (y, x...) of each stratum.

    Args:
        arms: for each arm the moments of each stratum, the same strata in all arms; a stratum without a pre-period
            has an x that does not vary (all 0), and is left as it is.

    Raises:
        ValueError: the arms do not have the same strata and variables.
    """
    return _adjust(arms, outcomes=1)


def adjust_ratios(arms: Mapping[str, Strata]) -> Adjusted:
    """Return ratios adjusted by strata and by the covariates (y, d, x...) of each stratum, such as x and e before.

    Raises:
        ValueError: the arms do not have the same strata and variables.
    """
    return _adjust(arms, outcomes=2)


def _adjust(arms: Mapping[str, Strata], *, outcomes: int) -> Adjusted:
    _check(arms, outcomes)
    estimate = estimate_mean if outcomes == 1 else estimate_ratio
    unadjusted = {arm: estimate(merge(strata)) for arm, strata in arms.items()}
    known = {arm: each for arm, each in unadjusted.items() if isinstance(each, Estimate)}
    if not known:
        return _nothing(unadjusted)
    thick = thick_strata({arm: arms[arm] for arm in known})
    counts = np.array([[moments.n for moments in thick[arm]] for arm in known], dtype=np.float64)
    weights = counts.sum(axis=0) / counts.sum()
    values, cells = {}, {}
    for arm in known:
        values[arm], factors = linear(thick[arm], weights, outcomes)
        cells[arm] = [cell_of(moments, factors) for moments in thick[arm]]
    strata = [pooled(column) for column in zip(*cells.values(), strict=True)]
    thetas = [slope(stratum) for stratum in strata]
    shared = _shared(cells, weights, strata, thetas)
    own = {arm: _own(each, weights, thetas) for arm, each in cells.items()}
    adjusted = {
        arm: Estimate(
            value=values[arm] - _shift(cells[arm], weights, strata, thetas),
            variance=own[arm][0] + shared[arm, arm],
            n=before.n,
            degrees_of_freedom=own[arm][1],
            cautions=before.cautions,
        )
        for arm, before in known.items()
    }
    total = sum(each.variance for each in known.values())
    return Adjusted(
        estimates={**unadjusted, **adjusted},
        unadjusted=unadjusted,
        covariances=shared,
        thetas=tuple(tuple(theta.tolist()) for theta in thetas),
        variance_reduction=1 - sum(variance for variance, _ in own.values()) / total if total else 0.0,
        not_adjusted=None if any(theta.any() for theta in thetas) else why_no_slope(strata),
    )


def _check(arms: Mapping[str, Strata], outcomes: int) -> None:
    shapes = {(len(strata), *{moments.width for moments in strata}) for strata in arms.values()}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 2:
        raise ValueError("all arms need the same strata, and all strata the same variables")
    if shape[1] < outcomes:
        raise ValueError(f"{shape[1]} variable(s) are too few for this metric")


def _nothing(unadjusted: Mapping[str, Estimate | CannotTell]) -> Adjusted:
    return Adjusted(
        estimates=unadjusted,
        unadjusted=unadjusted,
        covariances={},
        thetas=(),
        variance_reduction=0.0,
        not_adjusted=next(each for each in unadjusted.values() if isinstance(each, CannotTell)),
    )


def _shift(
    cells: Sequence[Cell], weights: Floats, strata: Sequence[Stratum], thetas: Sequence[Floats]
) -> float:
    """Return how much of an arm's value comes of what its units were before."""
    return math.fsum(
        weight * float(theta @ (cell.covariates - stratum.centre))
        for weight, theta, cell, stratum in zip(weights.tolist(), thetas, cells, strata, strict=True)
    )


def _own(cells: Sequence[Cell], weights: Floats, thetas: Sequence[Floats]) -> tuple[float, float]:
    """Return the variance that an arm shares with none, and its degrees of freedom."""
    terms, parts = 0.0, 0.0
    for cell, weight, theta in zip(cells, weights.tolist(), thetas, strict=True):
        freedom = max(cell.n - 1 - int(np.count_nonzero(theta)), 1)
        explained = float(theta @ cell.square @ theta)
        residual = cell.spread - 2 * float(theta @ cell.cross) + explained
        is_rounding = residual <= 1e-13 * (cell.spread + explained)
        term = 0.0 if is_rounding else weight * weight * residual / freedom / cell.n
        terms, parts = terms + term, parts + term * term / freedom
    return terms, terms * terms / parts if parts else float(sum(cell.n for cell in cells) - 1)


def _shared(
    cells: Mapping[str, Sequence[Cell]],
    weights: Floats,
    strata: Sequence[Stratum],
    thetas: Sequence[Floats],
) -> dict[tuple[str, str], float]:
    """Return what each two arms have in common: the mixture of strata, and the covariates' means over all units."""
    total = sum(stratum.n for stratum in strata)
    of_covariates = sum(
        weight * float(theta @ stratum.square @ theta) / max(stratum.freedom, 1)
        for weight, theta, stratum in zip(weights.tolist(), thetas, strata, strict=True)
    )
    gaps = {}
    for arm, each in cells.items():
        means = np.array([cell.mean for cell in each])
        gaps[arm] = means - weights @ means
    return {
        (one, other): (float(weights @ (gaps[one] * gaps[other])) + of_covariates) / total
        for one, other in product(cells, repeat=2)
    }
