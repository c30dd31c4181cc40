"""Bounds of planned looks against the literature, an independent integral and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.experiments.statistics.samples import random_source

from opsctl.experiments.statistics.sequential import (
    exit_probabilities,
    inflation,
    inflation_of,
    power_family_bounds,
    solve_bounds,
)

FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
OBRIEN_FLEMING = tuple(2.040 * math.sqrt(5 / look) for look in range(1, 6))
TIMES = st.lists(st.integers(1, 40), min_size=1, max_size=6, unique=True).map(
    lambda places: [place / 40 for place in sorted(places)]
)


def _left(bounds, times=FIFTHS, drift=0.0):
    return sum(above + below for above, below in exit_probabilities(times, bounds, drift=drift))


def _paths(times, *, count, seed, drift=0.0):
    """Return z at each look, shape (count, looks): a Brownian motion with a drift."""
    gaps = np.diff([0.0, *times])
    motion = np.cumsum(random_source(seed).normal(drift * gaps, np.sqrt(gaps), (count, len(gaps))), axis=1)
    return motion / np.sqrt(times)


@pytest.mark.parametrize(
    ("spent", "bounds"),
    [
        # Lan, DeMets (1983) spending of O'Brien-Fleming and of Pocock type, as R's ldbounds and gsDesign print them
        (
            [4 * stats.norm.sf(stats.norm.isf(0.05 / 4) / math.sqrt(t)) for t in FIFTHS],
            [4.8769, 3.3569, 2.6803, 2.2898, 2.0310],
        ),
        (
            [0.05 * math.log(1 + (math.e - 1) * t) for t in FIFTHS],
            [2.4380, 2.4268, 2.4101, 2.3966, 2.3859],
        ),
        # alpha t, as in Reboussin, DeMets, Kim, Lan (2000)
        ([0.05 * t for t in FIFTHS], [2.58, 2.49, 2.41, 2.34, 2.28]),
    ],
)
def test_bounds_are_those_of_the_literature(spent, bounds):
    """Five looks, alpha 0.05, two-sided."""
    assert solve_bounds(FIFTHS, spent) == pytest.approx(bounds, abs=2e-4 if bounds[0] != 2.58 else 5e-3)


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040), (10, 2.555, 2.087)],
)
def test_constants_of_pocock_and_obrien_fleming_spend_alpha(looks, pocock, obrien_fleming):
    """Jennison, Turnbull (2000), tables 2.1 and 2.3, to their three digits."""
    times = [look / looks for look in range(1, looks + 1)]

    assert _left([pocock] * looks, times) == pytest.approx(0.05, abs=1.5e-4)
    assert _left([obrien_fleming / math.sqrt(time) for time in times], times) == pytest.approx(
        0.05, abs=1.5e-4
    )


def test_more_units_are_needed_as_the_literature_says():
    """Jennison, Turnbull (2000), tables 2.2 and 2.4: five looks, alpha 0.05, power 0.8."""
    assert inflation_of(FIFTHS, [2.413] * 5, alpha=0.05, power=0.8) == pytest.approx(1.229, abs=1e-3)
    assert inflation_of(FIFTHS, OBRIEN_FLEMING, alpha=0.05, power=0.8) == pytest.approx(1.028, abs=1e-3)


@settings(max_examples=15)
@given(
    TIMES.filter(lambda times: len(times) <= 4),
    st.sampled_from([1.0, 2.0, 3.5]),
    st.sampled_from([0.05, 0.001]),
)
def test_what_is_spent_is_alpha_by_an_independent_integral(times, spending, alpha):
    """The probability of a box under the joint normal distribution of all looks, by scipy."""
    bounds = np.minimum(power_family_bounds(times, alpha=alpha, spending=spending), 8.0)
    joint = np.array([[math.sqrt(min(s, t) / max(s, t)) for s in times] for t in times])

    inside = stats.multivariate_normal(cov=joint, allow_singular=True, seed=1).cdf(
        bounds, lower_limit=-bounds
    )

    assert 1 - inside == pytest.approx(alpha * times[-1] ** spending, rel=0.02, abs=3e-5)


@given(TIMES, st.floats(1, 10), st.floats(1e-6, 0.2))
def test_bounds_of_former_looks_do_not_depend_on_later_ones(times, spending, alpha):
    """So looks may be added as they come."""
    bounds = power_family_bounds(times, alpha=alpha, spending=spending)

    assert (
        power_family_bounds(times[:-1] or times, alpha=alpha, spending=spending)
        == bounds[: len(times) - 1 or 1]
    )
    assert all(bound > 0 for bound in bounds)


@given(TIMES, st.floats(1e-20, 0.01), st.floats(1.5, 50))
def test_a_greater_alpha_has_lower_bounds(times, alpha, factor):
    """At every look: hence p-values may be defined by bounds."""
    stricter = power_family_bounds(times, alpha=alpha, spending=2)
    looser = power_family_bounds(times, alpha=alpha * factor, spending=2)

    assert all(low < high for low, high in zip(looser, stricter, strict=True))


def test_one_look_has_the_usual_bound():
    """1.96, and 5.33 at one in ten million."""
    for alpha in (0.05, 1e-7):
        assert power_family_bounds([1.0], alpha=alpha, spending=2) == pytest.approx(
            (stats.norm.isf(alpha / 2),)
        )


@pytest.mark.parametrize("times", [FIFTHS, (0.07, 0.5, 0.52, 1.1), tuple(look / 14 for look in range(1, 15))])
def test_simulated_experiments_without_an_effect_cross_in_5_of_100(times):
    """200,000 paths, within four standard errors."""
    bounds = power_family_bounds(times, alpha=0.05, spending=2) if times[-1] <= 1 else None
    if bounds is None:
        bounds = solve_bounds(times, [0.05 * min(time, 1) ** 2 for time in times])

    crossed = (np.abs(_paths(times, count=200_000, seed=1)) >= bounds).any(axis=1).mean()

    assert crossed == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 200_000))


def test_fourteen_looks_at_the_usual_bound_find_something_in_22_of_100():
    """What peeking does (report, decision 4), by integral and by simulation."""
    times = [look / 14 for look in range(1, 15)]

    assert _left([1.96] * 14, times) == pytest.approx(0.222, abs=0.004)
    simulated = (np.abs(_paths(times, count=100_000, seed=2)) >= 1.96).any(axis=1).mean()
    assert _left([1.96] * 14, times) == pytest.approx(simulated, abs=4 * math.sqrt(0.22 * 0.78 / 100_000))


def test_the_power_that_is_promised_is_kept():
    """With the inflated number of units 80 of 100 simulated effects are found, within four standard errors."""
    factor = inflation(FIFTHS, alpha=0.05, spending=2, power=0.8)
    drift = (1.959964 + 0.841621) * math.sqrt(factor)
    bounds = power_family_bounds(FIFTHS, alpha=0.05, spending=2)

    paths = _paths(FIFTHS, count=100_000, seed=3, drift=drift)

    outside = np.abs(paths) >= bounds
    first = np.where(outside.any(axis=1), outside.argmax(axis=1), 0)
    found = outside.any(axis=1) & (paths[np.arange(100_000), first] > 0)
    assert 1 < factor < 1.1
    assert found.mean() == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 100_000))


def test_bounds_of_a_tiny_alpha_are_right():
    """1e-25 at one look: the normal quantile; nothing ends at 1e-16."""
    assert power_family_bounds([1.0], alpha=1e-25, spending=2)[0] == pytest.approx(stats.norm.isf(0.5e-25))
    assert power_family_bounds(FIFTHS, alpha=1e-25, spending=2)[-1] == pytest.approx(
        stats.norm.isf(0.5e-25), abs=0.15
    )


@pytest.mark.parametrize(
    ("times", "spent"),
    [
        ([], []),
        ([0.0, 1.0], [0.01, 0.05]),
        ([0.5, 0.5], [0.01, 0.05]),
        ([0.5, 0.4], [0.01, 0.05]),
        ([0.5, 0.501], [0.01, 0.05]),
        ([0.5, math.nan], [0.01, 0.05]),
        ([0.5, 1.0], [0.05, 0.05]),
        ([0.5, 1.0], [0.05, 1.5]),
        ([look / 300 for look in range(1, 301)], [look / 300 for look in range(1, 301)]),
    ],
)
def test_looks_that_do_not_rise_are_refused(times, spent):
    """... and what is spent by them."""
    with pytest.raises(ValueError, match=r"looks|spent"):
        solve_bounds(times, spent)
