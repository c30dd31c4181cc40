"""CUPED and strata against regression, tea-tasting, brute force and simulation."""

import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import tea_tasting as tt
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.statistics.samples import mean_of, random_source, ratio_of, told, with_covariate

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare
from opsctl.experiments.statistics.cuped import Adjusted, adjust_means, adjust_ratios
from opsctl.experiments.statistics.moments import moments_of, no_units

ARMS = ("control", "treatment")


def _difference(found: Adjusted, *, alpha=0.05):
    return told(
        compare(
            control=told(found.estimates["control"]),
            treatment=told(found.estimates["treatment"]),
            covariance=found.covariance("control", "treatment"),
            alpha=alpha,
        )
    )


def _samples(units, *, seed, correlation=0.7, effect=0.3):
    samples = {
        arm: with_covariate(units, seed=2 * seed + place, correlation=correlation)
        for place, arm in enumerate(ARMS)
    }
    samples["treatment"][:, 0] += effect
    return samples


def _ratio_samples(units, *, seed, lift=0.1):
    """Return clicks, feeds, clicks before, feeds before: each unit has a rate and an activity of its own."""
    samples = {}
    for place, arm in enumerate(ARMS):
        source = random_source(100 + 2 * seed + place)
        activity, rate = source.gamma(4.0, 2.0, units), source.beta(4, 8, units)
        feeds, before = 1 + source.poisson(activity), 1 + source.poisson(activity)
        clicks = source.binomial(feeds, rate * (1 + lift * place))
        samples[arm] = np.column_stack([clicks, feeds, source.binomial(before, rate), before]).astype(float)
    return samples


@pytest.mark.parametrize("seed", range(5))
def test_an_adjusted_difference_is_the_coefficient_of_a_regression(seed):
    """Of the outcome on arm and covariate, by least squares; the errors agree to 2 % at 1,000 units."""
    samples = _samples(500, seed=seed)
    rows = np.vstack(list(samples.values()))
    design = np.column_stack([np.ones(1000), np.repeat([0, 1], 500), rows[:, 1]])
    oracle = sm.OLS(rows[:, 0], design).fit()

    found = adjust_means({arm: [moments_of(values)] for arm, values in samples.items()})

    assert found.thetas[0] == pytest.approx((oracle.params[2],))
    assert _difference(found).difference == pytest.approx(oracle.params[1])
    assert _difference(found).error == pytest.approx(oracle.bse[1], rel=0.02)


def test_several_covariates_are_those_of_a_regression_too():
    """Two, one of them on another scale; a third is their sum and changes nothing."""
    source = random_source(3)
    before = source.normal(size=(600, 2)) * [1.0, 1e6]
    outcome = before @ [0.5, 1e-6] + source.normal(size=600)
    design = np.column_stack([np.ones(600), np.repeat([0, 1], 300), before])
    oracle = sm.OLS(outcome, design).fit()

    for columns in (before, np.column_stack([before, before @ [1.0, 1e-6]])):
        rows = np.column_stack([outcome, columns])
        found = adjust_means({"control": [moments_of(rows[:300])], "treatment": [moments_of(rows[300:])]})
        assert _difference(found).difference == pytest.approx(oracle.params[1], rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_means_and_ratios_are_those_of_tea_tasting(seed):
    """Its theta counts the difference between arms too, and its ratio has one slope in place of two: nearly the same."""
    means, ratios = _samples(4000, seed=seed), _ratio_samples(4000, seed=seed)
    data = pd.concat(
        pd.DataFrame(
            np.column_stack([means[arm], ratios[arm]]),
            columns=["y", "x", "clicks", "feeds", "before", "feeds_before"],
        ).assign(variant=place)
        for place, arm in enumerate(ARMS)
    )
    oracle = tt.Experiment(
        mean=tt.Mean("y", covariate="x", equal_var=False, use_t=True),
        ratio=tt.RatioOfMeans(
            "clicks",
            "feeds",
            numer_covariate="before",
            denom_covariate="feeds_before",
            equal_var=False,
            use_t=True,
        ),
    ).analyze(data)

    for name, found in (
        ("mean", adjust_means({arm: [moments_of(values)] for arm, values in means.items()})),
        ("ratio", adjust_ratios({arm: [moments_of(values)] for arm, values in ratios.items()})),
    ):
        ours, theirs = _difference(found), oracle[name]
        width = (theirs.effect_size_ci_upper - theirs.effect_size_ci_lower) / 2
        assert ours.difference == pytest.approx(theirs.effect_size, abs=0.03 * width)
        assert (ours.interval.high - ours.interval.low) / 2 == pytest.approx(width, rel=0.01)
        assert told(ours.lift).value == pytest.approx(theirs.rel_effect_size, abs=0.002)


@pytest.mark.parametrize(("correlation", "left"), [(0.5, 0.75), (0.7, 0.51), (0.0, 1.0)])
def test_what_is_left_of_the_variance_is_1_minus_the_squared_correlation(correlation, left):
    """The two examples of the report, and a covariate that tells nothing and costs nothing."""
    samples = _samples(20_000, seed=9, correlation=correlation)

    found = adjust_means({arm: [moments_of(values)] for arm, values in samples.items()})

    assert 1 - found.variance_reduction == pytest.approx(left, abs=0.015)
    plain = told(
        compare(control=mean_of(samples["control"][:, 0]), treatment=mean_of(samples["treatment"][:, 0]))
    )
    assert (_difference(found).error / plain.error) ** 2 == pytest.approx(left, abs=0.015)


def test_without_covariates_and_strata_nothing_is_changed():
    """To the last digit but for rounding: value, error, degrees of freedom, no covariance."""
    clicks, feeds = _ratio_samples(200, seed=1)["control"][:, :2].T

    mean = adjust_means({"a": [moments_of(clicks)], "b": [moments_of(clicks + 1)]})
    ratio = adjust_ratios({"a": [moments_of(np.column_stack([clicks, feeds]))]})

    for found, plain in ((mean, mean_of(clicks)), (ratio, ratio_of(clicks, feeds))):
        adjusted = told(found.estimates["a"])
        assert (adjusted.value, adjusted.error) == pytest.approx((plain.value, plain.error))
        assert adjusted.degrees_of_freedom == pytest.approx(plain.degrees_of_freedom)
        assert found.variance_reduction == pytest.approx(0, abs=1e-12)
        assert found.not_adjusted is not None
        assert found.not_adjusted.because == "there is no covariate"
    assert mean.covariance("a", "b") == 0


def test_strata_are_weighted_as_in_all_arms_together():
    """Against the formula written out: 60 % of one stratum in one arm, 40 % in the other, by chance."""
    source = random_source(4)
    parts = {
        "control": [source.normal(0, 1, 120), source.normal(10, 3, 80)],
        "treatment": [source.normal(0, 1, 80), source.normal(10, 3, 120)],
    }

    found = adjust_means({arm: [moments_of(part) for part in each] for arm, each in parts.items()})

    for arm, (low, high) in parts.items():
        assert told(found.estimates[arm]).value == pytest.approx((low.mean() + high.mean()) / 2)
    difference = _difference(found)
    own = sum(0.25 * part.var(ddof=1) / len(part) for each in parts.values() for part in each)
    assert difference.error == pytest.approx(math.sqrt(own), rel=0.01)
    plain = told(
        compare(
            control=mean_of(np.concatenate(parts["control"])),
            treatment=mean_of(np.concatenate(parts["treatment"])),
        )
    )
    mixture = 0.25 * np.prod([high.mean() - low.mean() for low, high in parts.values()]) / 400
    assert found.covariance("control", "treatment") == pytest.approx(mixture)
    assert plain.p_value < 0.01, "the arms differ in their mixture"
    assert difference.p_value > 0.1, "... and in nothing else"


def test_units_without_a_pre_period_are_a_stratum_of_their_own():
    """They keep their values, the others are adjusted; together that is better than filling in 0 for what is missing."""
    samples = _samples(2000, seed=5)
    fresh = random_source(6).normal(4, 2, (2, 500))
    strata, filled = {}, {}
    for place, (arm, values) in enumerate(samples.items()):
        new = np.column_stack([fresh[place], np.zeros(500)])
        strata[arm] = [moments_of(values), moments_of(new)]
        filled[arm] = [moments_of(np.vstack([values, new]))]

    found, worse = adjust_means(strata), adjust_means(filled)

    assert found.thetas[1] == (0.0,)
    assert found.thetas[0] == pytest.approx((0.7,), abs=0.05)
    assert _difference(found).error < _difference(worse).error


def test_a_thin_stratum_is_counted_with_the_largest():
    """Three new units in one arm: no mean of three is given a weight, and the slope of the others stays."""
    samples = _samples(500, seed=7)
    thin = moments_of(np.array([[100.0, 0.0], [0.0, 0.0], [50.0, 0.0]]))

    found = adjust_means({arm: [thin, moments_of(values)] for arm, values in samples.items()})

    assert len(found.thetas) == 1
    assert told(found.estimates["control"]).n == 503


def test_an_empty_stratum_is_none():
    """Nobody new in any arm."""
    samples = _samples(100, seed=8)
    plain = adjust_means({arm: [moments_of(values)] for arm, values in samples.items()})

    found = adjust_means({arm: [moments_of(values), no_units(2)] for arm, values in samples.items()})

    assert found.estimates == plain.estimates


def test_a_covariate_that_is_the_same_for_all_changes_nothing_and_says_so():
    """0.1 for all: what its sum leaves by rounding is no variance."""
    samples = _samples(300, seed=1)
    arms = {arm: np.column_stack([values[:, 0], np.full(300, 0.1)]) for arm, values in samples.items()}

    found = adjust_means({arm: [moments_of(values)] for arm, values in arms.items()})

    assert told(found.estimates["control"]).error == pytest.approx(mean_of(samples["control"][:, 0]).error)
    assert found.not_adjusted == CannotTell(code="EXP086", because="the covariate is the same for all units")


def test_a_few_units_have_no_slope():
    """Twelve of them in each arm."""
    samples = _samples(12, seed=1)

    found = adjust_means({arm: [moments_of(values)] for arm, values in samples.items()})

    assert found.thetas == ((0.0,),)
    assert found.not_adjusted is not None
    assert "too few" in found.not_adjusted.because


def test_an_outcome_that_the_covariate_tells_in_full_leaves_nothing_to_chance():
    """No variance is left, and no significance is made of rounding."""
    before = random_source(2).normal(5, 1, (2, 100))
    found = adjust_means(
        {arm: [moments_of(np.column_stack([3 * x + 0.7, x]))] for arm, x in zip(ARMS, before, strict=True)}
    )

    assert found.variance_reduction == 1
    answer = compare(
        control=told(found.estimates["control"]),
        treatment=told(found.estimates["treatment"]),
        covariance=found.covariance("control", "treatment"),
    )
    assert isinstance(answer, CannotTell) or answer.p_value > 0.001


def test_an_arm_of_nobody_does_not_spoil_the_others():
    """It says why it has no estimate; the others are adjusted among themselves."""
    samples = _samples(300, seed=1)
    arms = {arm: [moments_of(values)] for arm, values in samples.items()}

    found = adjust_means(arms | {"empty": [no_units(2)], "lonely": [moments_of(np.ones((1, 2)))]})

    assert isinstance(empty := found.estimates["empty"], CannotTell)
    assert isinstance(lonely := found.estimates["lonely"], CannotTell)
    assert (empty.code, lonely.code) == ("EXP080", "EXP081")
    assert {arm: found.estimates[arm] for arm in ARMS} == adjust_means(arms).estimates


def test_nobody_at_all_is_no_error():
    """All arms say why."""
    found = adjust_ratios({"a": [no_units(4)], "b": [no_units(4)]})

    assert [each.code for each in found.estimates.values() if isinstance(each, CannotTell)] == [
        "EXP080",
        "EXP080",
    ]


@given(shift=st.floats(-1000, 1000), factor=st.sampled_from([1e-6, -2.0, 1e6]), seed=st.integers(0, 50))
def test_it_does_not_matter_how_the_covariate_is_measured(shift, factor, seed):
    """Shifted and scaled, in other arms' order: the same difference."""
    samples = _samples(60, seed=seed)
    plain = _difference(adjust_means({arm: [moments_of(values)] for arm, values in samples.items()}))

    moved = _difference(
        adjust_means(
            {arm: [moments_of(samples[arm] * [1, factor] + [0, shift * factor])] for arm in reversed(ARMS)}
        )
    )

    assert moved.difference == pytest.approx(plain.difference, rel=1e-4, abs=1e-6)
    assert moved.p_value == pytest.approx(plain.p_value, rel=1e-4)


@pytest.mark.slow
def test_intervals_hold_the_truth_with_strata_a_pre_period_and_a_large_lift():
    """1,200 experiments of 2 x 300 units and a lift of 50 % on which strata differ: 95 % within four standard errors.

    Without the covariance of the arms, the lift's interval would be far too wide.
    """
    source = random_source(11)
    held = {"difference": 0, "lift": 0, "without": 0}
    for _ in range(1200):
        is_new = source.random(600) < 0.3
        before = np.where(is_new, 0.0, source.gamma(4.0, 1.0, 600))
        # 2 in one stratum, 4 in the other, 3.4 on average, and half as much again
        base = np.where(is_new, 2.0, before) + source.normal(0, 1, 600)
        arm = source.permutation(600) < 300
        outcome = base + arm * np.where(is_new, 1.0, 2.0)
        table = np.column_stack([outcome, before])
        found = adjust_means(
            {
                name: [moments_of(table[chosen & ~is_new]), moments_of(table[chosen & is_new])]
                for name, chosen in (("control", ~arm), ("treatment", arm))
            }
        )
        comparison = _difference(found)
        held["difference"] += 1.7 in comparison.interval
        held["lift"] += 0.5 in told(comparison.lift).interval
        alone = told(
            compare(control=told(found.estimates["control"]), treatment=told(found.estimates["treatment"]))
        )
        held["without"] += 1.7 in alone.interval

    assert held["difference"] / 1200 == pytest.approx(0.95, abs=0.0252)
    assert held["lift"] / 1200 == pytest.approx(0.95, abs=0.0252)
    assert held["without"] / 1200 > 0.99


def test_intervals_of_adjusted_ratios_hold_the_truth():
    """600 experiments of 2 x 400 units without an effect: 95 % within four standard errors, on half the variance."""
    held, reduction = 0, 0.0
    for seed in range(600):
        samples = _ratio_samples(400, seed=1000 + seed, lift=0.0)
        found = adjust_ratios({arm: [moments_of(values)] for arm, values in samples.items()})
        held += 0 in _difference(found).interval
        reduction += found.variance_reduction / 600

    assert held / 600 == pytest.approx(0.95, abs=0.0356)
    assert 0.2 < reduction < 0.6


@pytest.mark.parametrize(
    "arms",
    [
        {},
        {"a": [], "b": []},
        {"a": [no_units(2)], "b": [no_units(2), no_units(2)]},
        {"a": [no_units(2)], "b": [no_units(3)]},
        {"a": [no_units(2), no_units(3)]},
    ],
)
def test_arms_of_different_shape_are_refused(arms):
    """A programming error, not a result."""
    with pytest.raises(ValueError, match="same strata"):
        adjust_means(arms)


def test_a_ratio_needs_two_outcomes():
    """A programming error, not a result."""
    with pytest.raises(ValueError, match="too few"):
        adjust_ratios({"a": [no_units(1)]})
