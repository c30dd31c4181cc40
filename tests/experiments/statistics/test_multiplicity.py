"""Holm and Benjamini-Hochberg against statsmodels, families against hand-made ones, and error rates by simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from tests.experiments.statistics.samples import random_source

from opsctl.experiments.book import Correction, Family, Scope
from opsctl.experiments.statistics.multiplicity import (
    Hypothesis,
    adjust,
    benjamini_hochberg,
    holm,
    interval_alphas,
)

P_VALUES = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.05, 1.0])), min_size=1, max_size=12
)
FOUR = [
    Hypothesis(metric="m1", arm="a", p_value=0.01),
    Hypothesis(metric="m1", arm="b", p_value=0.03),
    Hypothesis(metric="m2", arm="a", p_value=0.04),
    Hypothesis(metric="m2", arm="b", p_value=0.2),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_adjusted_p_values_are_those_of_statsmodels(seed):
    """Both rules, on p-values with ties."""
    p_values = (random_source(seed).random(10) ** 3).round(2).tolist()

    assert holm(p_values) == pytest.approx(tuple(multipletests(p_values, method="holm")[1]))
    assert benjamini_hochberg(p_values) == pytest.approx(tuple(multipletests(p_values, method="fdr_bh")[1]))


@given(P_VALUES)
def test_benjamini_and_hochbergs_rule_is_that_of_scipy(p_values):
    """Ties, zeros and ones too."""
    assert benjamini_hochberg(p_values) == pytest.approx(tuple(stats.false_discovery_control(p_values)))


@given(P_VALUES.filter(lambda p_values: len(p_values) <= 6))
def test_holms_rule_is_the_closure_of_bonferronis(p_values):
    """By its definition: the greatest of Bonferroni's p over all sets of hypotheses that one belongs to."""
    count = len(p_values)
    subsets = [
        subset for size in range(1, count + 1) for subset in itertools.combinations(range(count), size)
    ]

    closure = [
        max(
            min(1.0, len(subset) * min(p_values[place] for place in subset))
            for subset in subsets
            if one in subset
        )
        for one in range(count)
    ]

    assert holm(p_values) == pytest.approx(tuple(closure))


@given(P_VALUES, st.randoms(use_true_random=False))
def test_adjusting_only_raises_keeps_the_order_and_does_not_depend_on_it(p_values, random):
    """Holm is never below Benjamini-Hochberg."""
    shuffled = list(range(len(p_values)))
    random.shuffle(shuffled)
    for rule in (holm, benjamini_hochberg):
        adjusted = rule(p_values)
        assert all(
            plain <= each <= 1 or each == pytest.approx(plain)
            for plain, each in zip(p_values, adjusted, strict=True)
        )
        order = sorted(range(len(p_values)), key=p_values.__getitem__)
        ranked = [adjusted[place] for place in order]
        assert ranked == sorted(ranked)
        assert rule([p_values[place] for place in shuffled]) == tuple(adjusted[place] for place in shuffled)
    assert all(h >= b - 1e-12 for h, b in zip(holm(p_values), benjamini_hochberg(p_values), strict=True))


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope.ARMS, [0.02, 0.03, 0.08, 0.2]),
        (Scope.METRICS, [0.02, 0.06, 0.04, 0.2]),
        (Scope.BOTH, [0.04, 0.09, 0.09, 0.2]),
    ],
)
def test_a_family_is_what_its_scope_says(scope, expected):
    """The arms of one metric, the metrics of one arm, or all: Holm by hand."""
    adjusted = adjust(FOUR, Family(correction=Correction.HOLM, scope=scope))

    assert list(adjusted) == [("m1", "a"), ("m1", "b"), ("m2", "a"), ("m2", "b")]
    assert list(adjusted.values()) == pytest.approx(expected)


def test_without_correction_nothing_is_changed():
    """Guardrails pay no price for being many."""
    assert list(adjust(FOUR, Family(correction=Correction.NONE)).values()) == [0.01, 0.03, 0.04, 0.2]


def test_a_test_without_data_still_counts_in_its_family():
    """The family was declared before the start; the test itself has no p-value to adjust."""
    tests = [FOUR[0], Hypothesis(metric="m2", arm="a", p_value=None)]

    assert adjust(tests, Family(correction=Correction.HOLM)) == {("m1", "a"): 0.02}
    tests.append(Hypothesis(metric="m3", arm="a", p_value=0.6))
    rates = adjust(tests, Family(correction=Correction.BENJAMINI_HOCHBERG))
    assert rates == pytest.approx({("m1", "a"): 0.03, ("m3", "a"): 0.9})


@pytest.mark.parametrize(
    ("correction", "share"),
    [(Correction.NONE, 1.0), (Correction.HOLM, 0.25), (Correction.BENJAMINI_HOCHBERG, 0.25)],
)
def test_intervals_are_as_wide_as_the_family_asks(correction, share):
    """A fourth of alpha for one of four; Benjamini-Hochberg finds one of these four (0.04), and so takes a fourth, too."""
    alphas = interval_alphas(FOUR, Family(correction=correction), alpha=0.05)

    assert set(alphas) == {(test.metric, test.arm) for test in FOUR}
    assert list(alphas.values()) == pytest.approx([0.05 * share] * 4)


def test_the_more_is_found_the_narrower_are_the_intervals_of_benjamini_hochberg():
    """Three of four found: three fourths of alpha."""
    tests = [
        *FOUR[:1],
        *(Hypothesis(metric=f"n{number}", arm="a", p_value=0.001) for number in range(2)),
        FOUR[3],
    ]

    alphas = interval_alphas(tests, Family(correction=Correction.BENJAMINI_HOCHBERG), alpha=0.05)

    assert alphas["m1", "a"] == pytest.approx(0.05 * 3 / 4)


def test_error_rates_are_kept():
    """4,000 families of ten without, and of five with effects: Holm's any-error and BH's mean share, by simulation."""
    z = random_source(1).normal(0, 1, (4000, 10))
    nothing = 2 * stats.norm.sf(np.abs(z))
    half = 2 * stats.norm.sf(np.abs(z + np.repeat([0.0, 3.5], 5)))

    any_false = np.mean([min(holm(row)) <= 0.05 for row in nothing.tolist()])
    shares = []
    for row in half.tolist():
        found = np.array(benjamini_hochberg(row)) <= 0.05
        shares.append(found[:5].sum() / max(found.sum(), 1))

    assert any_false == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 4000))
    assert np.mean(shares) == pytest.approx(0.025, abs=0.006), "alpha times the share without an effect"
    assert np.mean(nothing.min(axis=1) <= 0.05) > 0.35, "without correction"


@pytest.mark.parametrize("rule", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [[math.nan], [-0.1], [1.1]])
def test_what_is_no_p_value_is_refused(rule, wrong):
    """NaN would sort anywhere."""
    with pytest.raises(ValueError, match="p-value"):
        rule(wrong)


def test_a_test_that_is_there_twice_is_refused():
    """It would count twice, and one of both be lost."""
    with pytest.raises(ValueError, match="twice"):
        adjust([FOUR[0], FOUR[0]], Family(correction=Correction.HOLM))
