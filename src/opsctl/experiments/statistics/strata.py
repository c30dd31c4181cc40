"""What do the strata of all arms hold once the outcome is linear: cells of arm and stratum, and the slope of a stratum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import combined
from opsctl.experiments.statistics.moments import Moments, merge

Floats = NDArray[np.float64]
Strata = Sequence[Moments]

THIN_STRATUM = 10
"""A stratum with fewer units in some arm is counted with the largest one: its mean would say little."""
UNITS_FOR_THETA = 30
"""A slope of fewer units adds about as much noise as it takes out."""
_SINGULAR = 1e-10  # of the covariates' correlation matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One arm's units in one stratum, the outcome made linear.

    Args:
        n: units.
        mean: of the outcome.
        spread: sum of squares of the outcome about its mean.
        covariates: their means.
        cross: co-moments of each covariate with the outcome.
        square: co-moments of the covariates.
    """

    n: int
    mean: float
    spread: float
    covariates: Floats
    cross: Floats
    square: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """The cells of all arms in one stratum, pooled within arms.

    Args:
        n: units.
        freedom: of what is within the arms.
        centre: means of the covariates over all arms.
        cross: co-moments of each covariate with the outcome, within arms.
        square: co-moments of the covariates, within arms.
        varies: whether each covariate varies by more than rounding.
    """

    n: int
    freedom: int
    centre: Floats
    cross: Floats
    square: Floats
    varies: NDArray[np.bool_]


def thick_strata(arms: Mapping[str, Strata]) -> dict[str, list[Moments]]:
    """Return the strata, thin ones counted with the largest; any x is right, so that loses nothing but sharpness."""
    columns = list(zip(*arms.values(), strict=True))
    sizes = [sum(moments.n for moments in column) for column in columns]
    largest = sizes.index(max(sizes))
    thin = {
        place for place, column in enumerate(columns) if min(moments.n for moments in column) < THIN_STRATUM
    }
    if largest in thin:  # some arm has hardly any units: one stratum
        thin = set(range(len(columns)))
    thin -= {largest}
    return {
        arm: [
            merge([strata[place], *(strata[other] for other in thin)]) if place == largest else strata[place]
            for place in range(len(columns))
            if place not in thin
        ]
        for arm, strata in arms.items()
    }


def linear(strata: Strata, weights: Floats, outcomes: int) -> tuple[float, Floats]:
    """Return an arm's value, and the factors that make its outcome linear in the variables."""
    means = weights @ np.array([moments.means[:outcomes] for moments in strata])
    if outcomes == 1:
        return float(means[0]), np.array([1.0])
    ratio = float(means[0] / means[1])
    return ratio, np.array([1.0, -ratio]) / means[1]


def cell_of(moments: Moments, factors: Floats) -> Cell:
    """Return the cell of one arm in one stratum."""
    cut, comoments = len(factors), np.array(moments.comoments)
    return Cell(
        n=moments.n,
        mean=float(factors @ moments.means[:cut]),
        spread=combined(moments, factors.tolist()) * (moments.n - 1),
        covariates=np.array(moments.means[cut:]),
        cross=comoments[cut:, :cut] @ factors,
        square=comoments[cut:, cut:],
    )


def pooled(cells: Sequence[Cell]) -> Stratum:
    """Return what all arms say of one stratum."""
    counts = np.array([cell.n for cell in cells], dtype=np.float64)
    means = np.array([cell.covariates for cell in cells])
    square = np.sum([cell.square for cell in cells], axis=0)
    rounding = counts @ (8 * np.finfo(np.float64).eps * means) ** 2
    return Stratum(
        n=int(counts.sum()),
        freedom=int(counts.sum()) - len(cells),
        centre=counts @ means / counts.sum(),
        cross=np.sum([cell.cross for cell in cells], axis=0),
        square=square,
        varies=np.diag(square) > rounding,
    )


def slope(stratum: Stratum) -> Floats:
    """Return the slope of the outcome on the covariates; zeros where there is none."""
    theta, varies = np.zeros(len(stratum.cross)), stratum.varies
    if not varies.any() or stratum.freedom < UNITS_FOR_THETA:
        return theta
    scale = np.sqrt(np.diag(stratum.square)[varies])
    # a pre-period pair may be all but collinear; scaled to correlations, the least square of all solutions is taken
    correlations = stratum.square[np.ix_(varies, varies)] / np.outer(scale, scale)
    inverse = np.linalg.pinv(correlations, rcond=_SINGULAR, hermitian=True)
    theta[varies] = inverse @ (stratum.cross[varies] / scale) / scale
    return theta


def why_no_slope(strata: Sequence[Stratum]) -> CannotTell:
    """Return why all slopes are 0."""
    if not len(strata[0].centre):
        because = "there is no covariate"
    elif not any(stratum.varies.any() for stratum in strata):
        because = "the covariate is the same for all units"
    elif all(stratum.freedom < UNITS_FOR_THETA for stratum in strata if stratum.varies.any()):
        because = f"fewer than {UNITS_FOR_THETA} units have a covariate, too few for its slope"
    else:
        because = "the covariate tells nothing of the outcome"
    return CannotTell(code="EXP086", because=because)
