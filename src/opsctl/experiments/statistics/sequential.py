"""Which bounds hold the error rate over several planned looks: alpha spending, solved by numerical integration.

Under the null hypothesis the statistics at looks t_1 < ... < t_K (shares of the planned information) are those of a
Brownian motion: `B(t) = Z sqrt(t)`. Bound c_k is such that the probability of staying inside all bounds before and of
leaving at look k is what is spent there (Armitage, McPherson, Rowe 1969; Lan, DeMets 1983). A density of B among those
that stayed inside is carried from look to look on Gauss-Legendre nodes.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from opsctl.experiments.statistics.distributions import check_alpha, normal_quantile

Floats = NDArray[np.float64]
Density = tuple[Floats, Floats]
"""Nodes, and the probability that each stands for."""

LEAST_GAP = 0.005
"""Looks nearer to each other than this share of the planned information are one look."""
_PANEL_NODES = 32
_PANEL_DEVIATIONS = 8.0  # 32 nodes over 8 deviations integrate a product of two normal densities to 1e-12
_REACH = 12.0  # a normal variable lies beyond with a probability of 4e-33
_SLACK = 1e-6  # of a bound that is enclosed
_MOST_LOOKS = 200


def spaced(shares: Iterable[float]) -> list[float]:
    """Return the times of looks: those nearer to each other than `LEAST_GAP` count as so far apart.

    >>> spaced([0.25, 0.251, 0.5])
    [0.25, 0.255, 0.5]
    """
    times: list[float] = []
    for share in shares:
        times.append(max(share, times[-1] + LEAST_GAP if times else LEAST_GAP))
    return times


def spent_by(share: float, *, alpha: float, spending: float) -> float:
    """Return how much of alpha is spent by a share of the information: `alpha share^spending`, all of it from 1 on."""
    return alpha * math.pow(min(share, 1.0), spending)


def power_family_bounds(times: Sequence[float], *, alpha: float, spending: float) -> tuple[float, ...]:
    """Return the bounds of |z| at looks that spend `alpha t^spending`.

    Raises:
        ValueError: the looks do not rise from above 0 to at most 1, or are more than 200.
    """
    check_alpha(alpha)
    return solve_bounds(times, [spent_by(time, alpha=alpha, spending=spending) for time in times])


def solve_bounds(times: Sequence[float], spent: Sequence[float]) -> tuple[float, ...]:
    """Return the bounds of |z| at looks by which so much was spent, two-sided and symmetric.

    Args:
        times: shares of the planned information, rising, above 0; the last one may exceed 1.
        spent: what is spent by each look, rising; at most 1.

    Raises:
        ValueError: looks or what is spent do not rise.
    """
    _check(times, spent)
    density: Density = (np.zeros(1), np.ones(1))
    before, spent_before, bounds = 0.0, 0.0, []
    for time, spent_now in zip(times, spent, strict=True):
        step = math.sqrt(time - before)
        edge = _edge(density, step, spent=(spent_before, spent_now), scale=math.sqrt(time))
        bounds.append(edge / math.sqrt(time))
        if len(bounds) < len(times):
            density = _inside(density, step, edge)
        before, spent_before = time, spent_now
    return tuple(bounds)


def exit_probabilities(
    times: Sequence[float], bounds: Sequence[float], *, drift: float = 0.0
) -> tuple[tuple[float, float], ...]:
    """Return for each look the probabilities of leaving first there, above and below.

    Args:
        times: shares of the planned information.
        bounds: of |z| at each.
        drift: expected z at a share of 1.
    """
    _check(times, ())
    density: Density = (np.zeros(1), np.ones(1))
    before, found = 0.0, []
    for time, bound in zip(times, bounds, strict=True):
        step, shift, edge = math.sqrt(time - before), drift * (time - before), bound * math.sqrt(time)
        nodes, weights = density
        above = float(weights @ special.ndtr((nodes + shift - edge) / step))
        below = float(weights @ special.ndtr((-edge - nodes - shift) / step))
        found.append((above, below))
        density, before = _inside(density, step, edge, shift=shift), time
    return tuple(found)


def inflation(times: Sequence[float], *, alpha: float, spending: float, power: float) -> float:
    """Return how many times the units of a test without looks are needed for the same power."""
    check_alpha(power)
    return _inflation(tuple(times), alpha, spending, power)


@lru_cache(maxsize=256)
def _inflation(times: tuple[float, ...], alpha: float, spending: float, power: float) -> float:
    """Return the same; every metric of a book asks for it at every moment."""
    bounds = power_family_bounds(times, alpha=alpha, spending=spending)
    return inflation_of(times, bounds, alpha=alpha, power=power)


def inflation_of(times: Sequence[float], bounds: Sequence[float], *, alpha: float, power: float) -> float:
    """Return the same for bounds of any kind."""
    fixed = normal_quantile(1 - alpha / 2) + normal_quantile(power)

    def gap(drift: float) -> float:
        return sum(above for above, _ in exit_probabilities(times, bounds, drift=drift)) - power

    return (_root(gap, 0.0, 4 * fixed) / fixed) ** 2


def _check(times: Sequence[float], spent: Sequence[float]) -> None:
    if not 1 <= len(times) <= _MOST_LOOKS:
        raise ValueError(f"from 1 to {_MOST_LOOKS} looks are possible, got {len(times)}")
    gaps = np.diff([0.0, *times])
    if not (gaps >= LEAST_GAP * (1 - 1e-9)).all():
        raise ValueError(
            f"looks must rise by {LEAST_GAP:g} of the planned information each, got {tuple(times)}"
        )
    if len(spent) and not ((np.diff([0.0, *spent]) > 0).all() and spent[-1] <= 1):
        raise ValueError(f"what is spent must rise from look to look, up to 1 at most, got {tuple(spent)}")


def _edge(density: Density, step: float, *, spent: tuple[float, float], scale: float) -> float:
    """Return the b outside of which ends up what is spent at this look; `spent` by the look before, and by this one.

    On the scale of logarithms, since it may be 1e-30. The normal quantiles of all that is spent by now, and of what is
    spent here alone, enclose the bound.
    """
    nodes, weights = density
    spend = spent[1] - spent[0]

    def gap(edge: float) -> float:
        left = float(weights @ (special.ndtr((nodes - edge) / step) + special.ndtr((-edge - nodes) / step)))
        return math.log(max(left, 1e-320)) - math.log(spend)

    low, high = (-normal_quantile(max(each, 1e-320) / 2) * scale for each in (spent[1], spend))
    low, high = max(low - _SLACK, 0.0), max(high, 0.0) + _SLACK
    return 0.0 if gap(low) <= 0 else _root(gap, low, high)


def _inside(density: Density, step: float, edge: float, *, shift: float = 0.0) -> Density:
    """Return the density after a step, within the edges."""
    nodes, weights = density
    reach = min(edge, float(np.abs(nodes).max()) + abs(shift) + _REACH * step)
    places, lengths = _panels(reach, step)
    kernel = np.exp(-0.5 * ((places[:, None] - nodes - shift) / step) ** 2)
    return places, lengths * (kernel @ weights) / (step * math.sqrt(2 * math.pi))


def _panels(reach: float, step: float) -> Density:
    """Return nodes and weights of a composite Gauss-Legendre rule from -reach to reach, fine enough for the step."""
    count = max(math.ceil(2 * reach / (_PANEL_DEVIATIONS * step)), 1)
    places, lengths = _panel()
    half = reach / count
    centres = np.linspace(-reach + half, reach - half, count)
    return (centres[:, None] + half * places).ravel(), np.tile(half * lengths, count)


@cache
def _panel() -> Density:
    return np.polynomial.legendre.leggauss(_PANEL_NODES)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy import optimize

    return float(optimize.brentq(function, low, high, xtol=1e-10))
