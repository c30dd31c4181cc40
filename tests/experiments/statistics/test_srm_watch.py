"""Sample ratios may be looked at after every unit, and one right experiment in a thousand is called wrong, not thirty."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.experiments.statistics.samples import random_source

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.srm import check_split
from opsctl.experiments.statistics.srm_watch import (
    Watched,
    log_bayes_factors,
    watch_independence,
    watch_split,
    watch_splits,
)

HALVES = {"a": 0.5, "b": 0.5}


def at_the_end(breakdown: Mapping[str, Mapping[str, int]]) -> tuple[Mapping[str, Watched], tuple[str, ...]]:
    """Return what is told of groups of units at the horizon."""
    return watch_splits(breakdown, HALVES, planned=10_000, is_over=True)


@pytest.mark.parametrize("counts", [(7, 3), (40, 60), (1, 0)])
def test_the_bayes_factor_is_that_of_a_beta_binomial_against_a_binomial(counts):
    """Both are those of scipy, and how the units were ordered cancels; the mean of three concentrations: 1,000, 100 and 10."""
    planned, n = 15_000, sum(counts)
    factors = [
        stats.betabinom.pmf(counts[0], n, half, half) / stats.binom.pmf(counts[0], n, 0.5)
        for half in (500, 50, 5)
    ]

    found = float(log_bayes_factors(np.array(counts), np.array([0.5, 0.5]), planned=planned))

    assert found == pytest.approx(math.log(np.mean(factors)))


@given(
    st.lists(st.floats(0.05, 1), min_size=2, max_size=5),
    st.integers(1, 12),
    st.integers(1, 10_000),
)
def test_the_bayes_factor_is_1_on_average_where_the_weights_are_true(parts, units, planned):
    """Over all ways in which so few units can fall, weighed by their probability: exact, for any weights and tuning."""
    shares = np.array(parts[:3]) / sum(parts[:3])
    ways = np.array([way for way in np.ndindex(*[units + 1] * len(shares)) if sum(way) == units])
    chances = stats.multinomial.pmf(ways, units, shares)

    mean = float(chances @ np.exp(log_bayes_factors(ways.astype(float), shares, planned=planned)))

    assert mean == pytest.approx(1.0, rel=1e-6)


@pytest.mark.drill
def test_a_test_that_is_made_again_at_every_look_calls_far_too_many_wrong_and_this_one_does_not():
    """3,000 right experiments, looked at on each of 50 days."""
    source, shares = random_source(8), np.array([0.5, 0.5])
    plain = watched = 0
    for _ in range(3000):
        counts = np.cumsum(source.multinomial(100, shares, 50), axis=0)
        looks = [{"a": int(one), "b": int(other)} for one, other in counts]
        chi_square = (counts[:, 0] - counts[:, 1]) ** 2 / counts.sum(axis=1)
        plain += bool((stats.chi2.sf(chi_square, 1) < 0.001).any())
        watched += watch_split(looks, HALVES, planned=5000, is_over=True).is_mismatch

    assert plain / 3000 > 0.01
    assert watched <= stats.binom.ppf(0.999, 3000, 0.001)


def test_a_loss_in_one_arm_is_told_before_the_horizon():
    """5 % of one arm's 5,000 readers a day do not come: a plain 0.001 would tell it a little sooner."""
    looks = [{"a": 5000 * day, "b": 4750 * day} for day in range(1, 15)]
    days = [
        watch_split(looks[: number + 1], HALVES, planned=140_000, is_over=False).is_mismatch
        for number in range(len(looks))
    ]

    assert days.index(True) < 5
    assert all(days[days.index(True) :])


@pytest.mark.parametrize(
    ("units", "is_over", "errors"),
    [(100, False, 4.6), (1000, False, 4.6), (10_000, False, 4.6), (10_000, True, 3.5)],
)
def test_how_far_apart_arms_must_be(units, is_over, errors):
    """In standard errors; a test of one look alone takes 3.3. The guide says so."""
    needed = next(
        gap / math.sqrt(units)
        for gap in range(0, units, 2)
        if watch_split(
            [{"a": (units + gap) // 2, "b": (units - gap) // 2}], HALVES, planned=10_000, is_over=is_over
        ).is_mismatch
    )

    assert needed == pytest.approx(errors, abs=0.1)


def test_what_an_earlier_look_has_shown_stays_shown():
    """Arms that are made even again afterwards are no more believed than before."""
    odd, even = {"a": 5000, "b": 4000}, {"a": 9000, "b": 9000}

    assert not watch_split([even], HALVES, planned=18_000, is_over=True).is_mismatch
    assert watch_split([odd, even], HALVES, planned=18_000, is_over=True).is_mismatch


def test_at_the_horizon_the_usual_test_is_made_once_at_half_of_alpha():
    """P is twice that of the chi-square; before, it says nothing of so small a difference."""
    counts = {"a": 5000, "b": 5350}
    plain = check_split(counts, HALVES).test

    before = watch_split([counts], HALVES, planned=10_350, is_over=False)
    at_end = watch_split([counts], HALVES, planned=10_350, is_over=True)

    assert not isinstance(plain, CannotTell)
    assert at_end.p_value == pytest.approx(2 * plain.p_value)
    assert (before.is_mismatch, at_end.is_mismatch) == (False, False)
    assert watch_split([{"a": 5000, "b": 5360}], HALVES, planned=10_360, is_over=True).is_mismatch


def test_a_unit_in_an_arm_that_gets_nobody_is_a_mismatch_at_any_look():
    """Whatever p says of the others."""
    assert watch_split([{"a": 5, "b": 5, "c": 1}], HALVES, planned=None, is_over=False).is_mismatch


@pytest.mark.parametrize("looks", [[{}], [{"a": 0, "b": 0}]])
def test_nobody_says_nothing(looks):
    """No mismatch, and no p."""
    watched = watch_split(looks, HALVES, planned=100, is_over=True)

    assert (watched.p_value, watched.is_mismatch) == (None, False)


def test_numbers_as_large_as_they_come_are_told():
    """No overflow, and never a p of 0."""
    watched = watch_split([{"a": 10**12, "b": 2 * 10**12}], HALVES, planned=10**12, is_over=False)

    assert watched.p_value is not None
    assert 0 < watched.p_value < 1e-100
    assert math.isfinite(watched.p_value)


def test_each_value_of_each_dimension_is_tested_at_a_share_of_alpha():
    """Bonferroni over those that can be tested; one of them is bad, and a value without units counts for nothing."""
    fine = {f"country={number}": {"a": 500, "b": 520} for number in range(8)}
    breakdown = fine | {"browser=old": {"a": 500, "b": 700}, "browser=none": {}}

    found, mismatches = at_the_end(breakdown)

    assert mismatches == ("browser=old",)
    assert found["browser=old"].alpha == pytest.approx(0.001 / 9)
    assert found["browser=none"].p_value is None


def test_what_is_a_mismatch_alone_may_be_chance_among_many():
    """One value with p = 0.0006 at any look: a mismatch by itself, none among twenty."""
    odd = {"a": 500, "b": 617}
    assert at_the_end({"x=1": odd})[1] == ("x=1",)

    many = {f"x={number}": {"a": 500, "b": 500} for number in range(2, 21)} | {"x=1": odd}

    assert at_the_end(many)[1] == ()


def test_a_stray_unit_in_any_value_is_a_mismatch():
    """It comes before the others."""
    breakdown = {"x=1": {"a": 1, "b": 900}, "x=2": {"a": 5, "b": 5, "c": 1}}

    assert at_the_end(breakdown)[1] == ("x=2", "x=1")


@pytest.mark.drill
def test_independence_may_be_asked_at_every_look_too():
    """Of 500 pairs of experiments that are independent, looked at ten times, hardly one is called dependent."""
    source = random_source(3)
    false = 0
    for _ in range(500):
        cells = np.cumsum(source.multinomial(100, [0.25] * 4, 10), axis=0)
        p_values = [
            watch_independence(
                dict(zip([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], row.tolist(), strict=True)),
                HALVES,
                planned=1000,
                is_over=number == 9,
            )
            for number, row in enumerate(cells)
        ]
        false += any(not isinstance(p, CannotTell) and p < 0.001 for p in p_values)

    assert false <= stats.binom.ppf(0.999, 500, 0.001)


def test_two_experiments_with_the_same_hashes_are_found_before_the_horizon():
    """All units lie on the diagonal."""
    p_value = watch_independence({("a", "x"): 50, ("b", "y"): 50}, HALVES, planned=1000, is_over=False)

    assert not isinstance(p_value, CannotTell)
    assert p_value < 0.001


def test_units_of_one_arm_only_say_nothing_of_independence():
    """They stay unknown."""
    assert isinstance(watch_independence({("a", "x"): 5}, HALVES, planned=9, is_over=True), CannotTell)
