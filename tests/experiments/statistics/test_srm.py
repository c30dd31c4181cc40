"""Sample ratio mismatch against scipy, exact sums and simulation, and the defects of other tools."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.experiments.statistics.samples import random_source, told

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.srm import (
    SRM_ALPHA,
    Distribution,
    check_independence,
    check_split,
)

HALVES = {"a": 0.5, "b": 0.5}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("arms", [2, 3, 6])
def test_a_split_is_that_of_scipy(seed, arms):
    """Chi-square and p for random weights and counts."""
    source = random_source(seed)
    weights = source.dirichlet(np.full(arms, 5.0))
    counts = source.multinomial(20_000, source.dirichlet(weights * 5000))
    oracle = stats.chisquare(counts, counts.sum() * weights)

    test = told(
        check_split(
            {str(arm): int(count) for arm, count in enumerate(counts)},
            {str(arm): float(weight) for arm, weight in enumerate(weights)},
        ).test
    )

    assert (test.statistic, test.p_value) == pytest.approx((oracle.statistic, oracle.pvalue))
    assert test.degrees_of_freedom == arms - 1
    assert test.distribution is Distribution.CHI_SQUARE


def test_an_arm_of_weight_0_is_in_neither_sum_nor_degrees_of_freedom():
    """GrowthBook's Python code counts it and says 0.060 here (report, 1.1)."""
    split = check_split({"a": 5000, "b": 5240, "c": 0}, {"a": 0.5, "b": 0.5, "c": 0.0})

    assert told(split.test).p_value == pytest.approx(0.018, abs=0.0005)
    assert told(split.test).degrees_of_freedom == 1
    assert not split.is_mismatch


@pytest.mark.parametrize("arm", ["c", "unknown"])
def test_one_unit_in_an_arm_without_weight_is_a_mismatch(arm):
    """However well the others fit: somebody assigns what the book does not."""
    split = check_split({"a": 5000, "b": 5000, arm: 1}, {"a": 0.5, "b": 0.5, "c": 0.0})

    assert split.stray == {arm: 1}
    assert split.is_mismatch
    assert told(split.test).p_value == 1


def test_a_huge_mismatch_has_a_small_p_and_not_0():
    """`1 - cdf` says 0 here."""
    mild, wild = (told(check_split({"a": 5000, "b": count}, HALVES).test).p_value for count in (6000, 10**9))

    assert mild == pytest.approx(stats.chi2.sf(1000**2 / 11000, 1))
    assert 0 < wild < mild < 1e-20


def test_the_threshold_is_that_of_the_report():
    """0.001: 5,000 to 5,330 is chance, to 5,335 is a mismatch."""
    assert SRM_ALPHA == 0.001
    assert [check_split({"a": 5000, "b": count}, HALVES).is_mismatch for count in (5330, 5340)] == [
        False,
        True,
    ]
    assert check_split({"a": 5000, "b": 5340}, HALVES).greatest_deviation == pytest.approx(170 / 5170)


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.001, 0.07))
def test_few_units_in_two_arms_have_their_exact_p(one, other, weight):
    """Summed over all counts that are as far from the expectation."""
    total = one + other
    split = check_split({"rare": one, "usual": other}, {"rare": weight, "usual": 1 - weight})
    if isinstance(split.test, CannotTell):
        assert total == 0
        return
    if split.test.distribution is Distribution.CHI_SQUARE:
        assert total * weight >= 5
        return

    far = abs(one - total * weight) * (1 - 1e-9)
    exact = math.fsum(
        stats.binom.pmf(count, total, weight)
        for count in range(total + 1)
        if abs(count - total * weight) >= far
    )
    assert split.test.p_value == pytest.approx(exact, rel=1e-6, abs=1e-12)


def test_few_units_in_three_arms_are_drawn():
    """Against the sum over all ways to divide 12 units, within four standard errors; the same p each time."""
    weights, counts = {"a": 0.6, "b": 0.3, "c": 0.1}, {"a": 4, "b": 3, "c": 5}
    shares = np.array(list(weights.values()))
    statistic = stats.chisquare(list(counts.values()), 12 * shares).statistic
    exact = math.fsum(
        stats.multinomial.pmf([i, j, 12 - i - j], 12, shares)
        for i in range(13)
        for j in range(13 - i)
        if stats.chisquare([i, j, 12 - i - j], 12 * shares).statistic >= statistic - 1e-9
    )

    first, second = (told(check_split(counts, weights).test) for _ in range(2))

    assert first == second
    assert first.distribution is Distribution.DRAWS
    assert first.p_value == pytest.approx(exact, abs=4 * math.sqrt(exact / 100_000))


def test_what_no_draw_comes_near_has_a_p_all_the_same():
    """The counts seen are one more draw, so p is at least 1 in 100,001."""
    test = told(check_split({"a": 0, "b": 0, "c": 30}, {"a": 0.6, "b": 0.3, "c": 0.1}).test)

    assert test.p_value == 1 / 100_001


@pytest.mark.parametrize("total", [40, 400, 4000])
def test_no_more_than_1_in_1000_right_splits_is_called_a_mismatch(total):
    """Every count of a 2 % arm, weighed by its probability: exact, no simulation; the chi-square would fail at 40."""
    rate, by_chi_square = 0.0, 0.0
    for count in range(min(total, 200) + 1):
        split = check_split({"rare": count, "usual": total - count}, {"rare": 0.02, "usual": 0.98})
        probability = stats.binom.pmf(count, total, 0.02)
        rate += probability * split.is_mismatch
        by_chi_square += probability * (
            stats.chisquare([count, total - count], [total * 0.02, total * 0.98]).pvalue < 0.001
        )

    assert rate < 0.0025
    assert total > 40 or (rate < 0.001 and by_chi_square > 0.005)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (4, 5)])
def test_independence_is_that_of_scipy(shape):
    """Chi-square of a table without Yates' correction."""
    counts = random_source(3).integers(20, 60, shape)
    oracle = stats.chi2_contingency(counts, correction=False)

    test = told(
        check_independence(
            {(f"r{row}", f"c{column}"): int(counts[row, column]) for row, column in np.ndindex(shape)}
        )
    )

    assert (test.statistic, test.p_value) == pytest.approx((oracle.statistic, oracle.pvalue))
    assert test.degrees_of_freedom == oracle.dof


def test_a_pair_that_nobody_is_in_counts_as_0():
    """Two experiments whose hashes are the same: all units lie on the diagonal."""
    test = told(check_independence({("a", "x"): 500, ("b", "y"): 500}))

    assert 0 < test.p_value < 1e-100


def test_few_units_in_both_are_drawn():
    """Against Fisher's exact test."""
    oracle = stats.fisher_exact([[5, 1], [1, 6]]).pvalue

    test = told(check_independence({("a", "x"): 5, ("a", "y"): 1, ("b", "x"): 1, ("b", "y"): 6}))

    assert test.distribution is Distribution.DRAWS
    assert test.p_value == pytest.approx(oracle, abs=0.003)


@pytest.mark.parametrize("table", [{}, {("a", "x"): 5, ("b", "x"): 6}, {("a", "x"): 5, ("b", "y"): 0}])
def test_units_of_one_arm_only_say_nothing_of_independence(table):
    """... nor does nobody."""
    answer = check_independence(table)

    assert isinstance(answer, CannotTell)
    assert answer.code == "EXP089"


@pytest.mark.parametrize(
    ("counts", "weights"), [({}, HALVES), ({"a": 0, "b": 0}, HALVES), ({"a": 7}, {"a": 1.0, "b": 0.0})]
)
def test_nobody_and_one_arm_say_nothing_of_a_split(counts, weights):
    """That is no mismatch, and no clean bill either."""
    split = check_split(counts, weights)

    assert isinstance(split.test, CannotTell)
    assert split.test.code == "EXP089"
    assert not split.is_mismatch


@pytest.mark.parametrize(
    ("counts", "weights"),
    [
        ({"a": 1}, {"a": 0.5, "b": 0.4}),
        ({"a": 1}, {"a": 1.5, "b": -0.5}),
        ({"a": 1}, {"a": math.nan, "b": 1.0}),
        ({"a": -1}, HALVES),
        ({"a": 1}, {}),
    ],
)
def test_wrong_weights_and_counts_are_refused(counts, weights):
    """GrowthBook replaces wrong weights by equal ones without a word."""
    with pytest.raises(ValueError, match=r"weights|negative"):
        check_split(counts, weights)


def test_a_negative_count_in_a_table_is_refused():
    """A programming error, not a result."""
    with pytest.raises(ValueError, match="negative"):
        check_independence({("a", "x"): -1, ("b", "y"): 3})
