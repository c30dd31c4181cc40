"""Comparisons of latencies against published examples, brute force and simulated truth."""

import math
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.vectors.intervals import mean_interval, wilson
from opsctl.vectors.rank_test import mann_whitney
from opsctl.vectors.statistics import (
    Comparison,
    Ratio,
    blocks_needed,
    judge,
    ratio_of_independent,
    ratio_of_quantiles,
)

values = st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=40)


def latencies(seed: int, *, blocks: int = 50, size: int = 20, factor: float = 1.0) -> tuple[Any, Any]:
    """Return two sides with a drift that both share, the first one slower by a factor."""
    import numpy as np

    random = np.random.default_rng(seed)
    drift = random.lognormal(0, 0.2, size=(blocks, 1))
    first = 1e6 * factor * drift * random.lognormal(0, 0.3, size=(blocks, size))
    return first, 1e6 * drift * random.lognormal(0, 0.3, size=(blocks, size))


def ratio_of_latencies(sides, share: float, **options):
    """Return the paired ratio of two sides."""
    return ratio_of_quantiles(sides[0], sides[1], share, **options)


def test_mann_whitney_gives_the_exact_p_of_a_published_example():
    """Males and females of the SciPy manual: U is 17 and the exact two-sided p is 1/9."""
    test = mann_whitney([19, 22, 16, 29, 24], [20, 11, 17, 12])

    assert (test.u, test.is_exact) == (17, True)
    assert test.p_value == pytest.approx(0.1111111111)


def test_mann_whitney_knows_the_tortoises():
    """The race of tortoises and hares: U is 25 and its tail of 6 against 6 is .155 in the printed tables."""
    test = mann_whitney([12, 6, 5, 4, 3, 2], [11, 10, 9, 8, 7, 1])

    assert test.u == 11
    assert test.p_value / 2 == pytest.approx(0.155, abs=0.0005)


def test_mann_whitney_uses_the_normal_approximation_above_twenty_values():
    """Two shifted rows of 15 have U 21; p is that of z with continuity, by the complementary error function."""
    test = mann_whitney([float(n) for n in range(15)], [n + 8.5 for n in range(15)])

    z = (abs(test.u - 112.5) - 0.5) / math.sqrt(15 * 15 * 31 / 12)
    assert not test.is_exact
    assert test.u == 21
    assert test.p_value == pytest.approx(math.erfc(z / math.sqrt(2)))


def test_mann_whitney_with_ties_agrees_with_every_arrangement():
    """The tie-corrected normal p of 7 against 7 is within 0.02 of the exact permutation p."""
    first, second = [1, 2, 2, 3, 3, 3, 4], [2, 3, 4, 4, 5, 5, 6]
    pooled = first + second

    def u_of(chosen):
        rest = [pooled[place] for place in range(14) if place not in chosen]
        return sum((pooled[a] > b) + 0.5 * (pooled[a] == b) for a in chosen for b in rest)

    middle, seen = 24.5, u_of(range(7))
    far = [abs(u_of(set(chosen)) - middle) >= abs(seen - middle) for chosen in combinations(range(14), 7)]

    assert mann_whitney(first, second).p_value == pytest.approx(sum(far) / len(far), abs=0.02)


@given(values, values)
def test_mann_whitney_does_not_care_which_side_comes_first(first, second):
    """The p stays, and both U add up to the number of pairs."""
    one, two = mann_whitney(first, second), mann_whitney(second, first)

    assert one.p_value == pytest.approx(two.p_value)
    assert one.u + two.u == pytest.approx(len(first) * len(second))
    assert 0 <= one.p_value <= 1


def test_a_ratio_recovers_the_true_factor():
    """A side that is 30 % slower is found to be, and the interval holds the truth."""
    ratio = ratio_of_latencies(latencies(3, factor=1.3), 0.5, seed=1)

    assert ratio is not None
    assert ratio.low < 1.3 < ratio.high
    assert judge(ratio, floor=0.05) is Comparison.BETTER


@pytest.mark.slow
def test_shared_drift_does_not_widen_a_paired_interval():
    """The paired interval is narrower than the one for runs that were not measured together."""
    first, second = latencies(4)

    paired = ratio_of_quantiles(first, second, 0.5, seed=1)
    apart = ratio_of_independent(first, second, 0.5, seed=1)

    assert paired is not None
    assert apart is not None
    assert paired.log_error < apart.log_error


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.5, 0.95])
def test_equal_sides_are_rarely_called_different(share):
    """Of 200 A/A runs at most 5 % and the simulation's own error (3.5 points) exclude 1."""
    wrong = 0
    for seed in range(200):
        ratio = ratio_of_latencies(latencies(seed), share, seed=seed, resamples=300)
        assert ratio is not None
        wrong += not ratio.low <= 1 <= ratio.high

    assert wrong / 200 <= 0.05 + 0.035


def test_too_few_blocks_give_no_interval():
    """Nine blocks are not enough."""
    assert ratio_of_latencies(latencies(1, blocks=9), 0.5, seed=1) is None
    assert judge(None, floor=0.05) is Comparison.CANNOT_TELL


@pytest.mark.parametrize(
    ("low", "value", "high", "expected"),
    [
        (1.10, 1.20, 1.30, Comparison.BETTER),
        (0.70, 0.80, 0.90, Comparison.WORSE),
        (0.99, 1.00, 1.01, Comparison.SAME),
        (1.01, 1.02, 1.03, Comparison.SAME),
        (0.90, 1.05, 1.20, Comparison.CANNOT_TELL),
        (1.01, 1.04, 1.07, Comparison.CANNOT_TELL),
    ],
)
def test_a_verdict_needs_significance_and_an_effect(low, value, high, expected):
    """Same wants the whole interval inside the floor; better and worse want 1 outside and an effect above it."""
    assert judge(Ratio(quantile=0.5, value=value, low=low, high=high), floor=0.05) is expected


@pytest.mark.slow
def test_the_blocks_needed_find_the_effect():
    """A run repeated with the blocks that were asked for can detect the effect."""
    ratio = ratio_of_latencies(latencies(5, blocks=20), 0.5, seed=1)
    assert ratio is not None

    needed = blocks_needed(ratio, blocks=20, effect=0.02)
    longer = ratio_of_latencies(latencies(6, blocks=needed), 0.5, seed=1)

    assert needed > 20
    assert longer is not None
    # 2.80: z of a two-sided 5 % test (1.96) and of 80 % power (0.84).
    assert longer.standard_error * 2.80 == pytest.approx(math.log(1.02), rel=0.4)


def test_the_blocks_needed_depend_on_the_test_and_not_on_how_wide_its_interval_was_drawn():
    """The same error shown at 99 % asks for more blocks, by Lehr's factor not by the wider interval too: 3.418² / 2.802²."""
    first, second = latencies(5, blocks=40)
    usual = ratio_of_quantiles(first, second, 0.5, seed=1)
    strict = ratio_of_quantiles(first, second, 0.5, seed=1, confidence=0.99, resamples=4000)
    assert usual is not None
    assert strict is not None

    needed = [blocks_needed(ratio, blocks=40, effect=0.005) for ratio in (usual, strict)]

    assert strict.standard_error == pytest.approx(usual.standard_error, rel=0.15)
    assert needed[1] / needed[0] == pytest.approx(1.49, rel=0.3)


def test_wilson_knows_a_published_example():
    """Newcombe (1998): 81 of 263 gives 0.2553 to 0.3662."""
    low, high = wilson(81 / 263, 263)

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_a_perfect_recall_is_not_certain():
    """Of 100 perfect queries the lower bound is 0.963, not 1."""
    interval = mean_interval([1.0] * 100, seed=1)

    assert interval is not None
    assert (interval.value, interval.high) == (1.0, 1.0)
    assert round(interval.low, 3) == 0.963


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=60))
def test_a_mean_lies_within_its_interval(sample):
    """And the interval lies within 0 and 1."""
    interval = mean_interval(sample, seed=1, resamples=200)

    assert interval is not None
    assert 0 <= interval.low <= interval.value + 1e-9
    assert interval.value - 1e-9 <= interval.high <= 1 + 1e-9


def test_the_recalls_of_a_long_run_have_the_interval_of_theory_without_gigabytes():
    """A day of ten searches a second: the mean's error is the scatter over the root of their number."""
    import numpy as np

    sample = np.random.default_rng(5).binomial(10, 0.97, size=864_000) / 10
    interval = mean_interval(sample.tolist(), seed=1)
    assert interval is not None
    expected = 2 * 1.96 * float(sample.std()) / math.sqrt(sample.size)
    assert interval.low < interval.value < interval.high
    assert math.isclose(interval.high - interval.low, expected, rel_tol=0.1)


def test_no_values_have_no_mean():
    """An empty sample has no interval."""
    assert mean_interval([], seed=1) is None
