"""May an experiment stop at this look: what the planned, and the unplanned, looks so far decide together.

Bounds follow from when looks really were, by their share of the planned information (units so far / units planned), so a
look more, less or later changes nothing about the error rate.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import check_alpha, normal_tail
from opsctl.experiments.statistics.sequential import solve_bounds, spaced

LEAST_P = 1e-30
"""No p of a sequential test is told smaller: the bounds' integration reaches no farther."""
_GREATEST_P = 0.9999
_SLACK = 1e-6  # of an alpha that is enclosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen at one look.

    Args:
        share: of the planned information that was there: units so far / units planned; above 1 where more came.
        z: the statistic, as `Comparison.z`.
    """

    share: float
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LookDecision:
    """What all looks up to the last one decide.

    Args:
        look: number of the last look, from 1.
        bound: of |z| at the last look; `intervals_at` makes the repeated confidence intervals of it, which hold the truth
            at all looks together with a probability of 1 - alpha.
        spent: of alpha, by the last look.
        p_value: repeated p-value (Jennison, Turnbull 1999): the smallest alpha with which some look so far would have
            stopped; below alpha exactly when one did.
        crossed_at: number of the first look at which a bound was crossed, or None.
        direction: 1 or -1, where the statistic was at that look; 0 where no bound was crossed.
    """

    look: int
    bound: float
    spent: float
    p_value: float
    crossed_at: int | None
    direction: int


def decide(
    looks: Sequence[Look], *, alpha: float, spending: float, is_last: bool = False
) -> LookDecision | CannotTell:
    """Return what the looks decide, two-sided; for a one-sided test at alpha give 2 alpha and heed one direction only.

    Looks nearer to each other than half a percent of the plan count as so far apart, and a share that falls as one that
    stands: both make bounds a little stricter.

    Args:
        looks: all that there were, in the order of time.
        alpha: error rate of all looks together.
        spending: alpha * share ^ spending is spent.
        is_last: whether there will be no other look, however few units there are: all of alpha is spent.

    Raises:
        ValueError: there is no look, or one has a share or a statistic that is none.
    """
    check_alpha(alpha)
    times = _times(looks)
    if len(times) > 1 and times[-2] >= 1:
        return CannotTell(
            code="EXP090",
            because="all of alpha was spent at the planned number of units; what was decided there stands",
        )
    shares = [math.pow(min(time, 1.0), spending) for time in times]
    if is_last:
        shares[-1] = 1.0
    bounds = solve_bounds(times, [alpha * share for share in shares])
    crossed = [number for number, look in enumerate(looks) if abs(look.z) >= bounds[number]]
    return LookDecision(
        look=len(looks),
        bound=bounds[-1],
        spent=alpha * shares[-1],
        p_value=_repeated_p(looks, times, shares),
        crossed_at=crossed[0] + 1 if crossed else None,
        direction=int(math.copysign(1, looks[crossed[0]].z)) if crossed else 0,
    )


def _times(looks: Sequence[Look]) -> list[float]:
    for look in looks:
        if not (look.share > 0 and math.isfinite(look.share) and math.isfinite(look.z)):
            raise ValueError(f"no look: a share of {look.share}, a statistic of {look.z}")
    return spaced(look.share for look in looks)


def _repeated_p(looks: Sequence[Look], times: Sequence[float], shares: Sequence[float]) -> float:
    """Return the smallest alpha at which one of the looks crosses its bound."""
    least = 1.0
    for number, look in enumerate(looks, start=1):
        least = min(least, _smallest_alpha(abs(look.z), times[:number], shares[:number], below=least))
    return least


def _smallest_alpha(z: float, times: Sequence[float], shares: Sequence[float], *, below: float) -> float:
    """Return the smallest alpha at which the last look crosses its bound, or 1 where it is not below what is known."""
    from scipy import optimize

    def above(log_alpha: float) -> float:
        return z - solve_bounds(times, [math.exp(log_alpha) * share for share in shares])[-1]

    # the bound lies between the normal quantiles of all that is spent by now, and of what is spent at this look alone
    nominal = 2 * normal_tail(z)
    alone = nominal / (shares[-1] - (shares[-2] if len(shares) > 1 else 0.0))
    if alone <= LEAST_P:
        return LEAST_P
    low, high = math.log(max(nominal, LEAST_P)), math.log(min(alone * (1 + _SLACK), below, _GREATEST_P))
    if low >= high or above(high) <= 0:
        return 1.0
    if above(low) >= 0:
        return math.exp(low)
    return math.exp(float(optimize.brentq(above, low, high, xtol=1e-8)))
