"""Welch's test, lifts and non-inferiority against statsmodels, tea-tasting and simulation."""

import math
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tea_tasting as tt
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttest_ind, ttost_ind
from tests.experiments.statistics.samples import (
    ESTIMATES,
    clustered_counts,
    mean_of,
    random_source,
    ratio_of,
    told,
)

from opsctl.experiments.effects import Effect
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare, intervals_at, not_inferior
from opsctl.experiments.statistics.distributions import LEAST_P
from opsctl.experiments.statistics.estimates import Estimate

CONSTANT = Estimate(value=0.5, variance=0.0, n=100, degrees_of_freedom=99)


def _two_samples(seed):
    source = random_source(seed)
    n, m = source.integers(3, 60, 2)
    return source.gamma(2.0, 3.0, n), source.gamma(3.0, 4.0, m)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_a_comparison_is_that_of_statsmodels(seed, alpha):
    """Welch's t, its degrees of freedom, p and interval, for samples of unequal size and spread."""
    control, treatment = _two_samples(seed)
    t, p, freedom = ttest_ind(treatment, control, usevar="unequal")
    means = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))

    found = told(compare(control=mean_of(control), treatment=mean_of(treatment), alpha=alpha))

    assert (found.statistic, found.degrees_of_freedom) == pytest.approx((t, freedom))
    assert found.p_value == pytest.approx(p, rel=1e-9)
    interval = means.tconfint_diff(alpha, usevar="unequal")
    assert (found.interval.low, found.interval.high) == pytest.approx(interval)


@pytest.mark.parametrize("seed", range(3))
def test_means_and_ratios_are_those_of_tea_tasting(seed):
    """Difference, interval, p by its Welch test with the delta method; its lift has the log-free delta interval."""
    parts = [clustered_counts(3000, seed=2 * seed + arm, rate=0.3 + 0.02 * arm) for arm in (0, 1)]
    data = pd.concat(
        pd.DataFrame({"variant": arm, "clicks": above, "feeds": below})
        for arm, (above, below) in enumerate(parts)
    )
    oracle = tt.Experiment(
        mean=tt.Mean("clicks", equal_var=False, use_t=True),
        ratio=tt.RatioOfMeans("clicks", "feeds", equal_var=False, use_t=True),
    ).analyze(data)

    for name, arms in (
        ("mean", [mean_of(above) for above, _ in parts]),
        ("ratio", [ratio_of(above, below) for above, below in parts]),
    ):
        found = told(compare(control=arms[0], treatment=arms[1]))
        theirs = oracle[name]
        assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-6)
        assert found.interval.low == pytest.approx(theirs.effect_size_ci_lower, rel=1e-6)
        assert found.interval.high == pytest.approx(theirs.effect_size_ci_upper, rel=1e-6)
        lift = told(found.lift)
        assert lift.value == pytest.approx(theirs.rel_effect_size)
        assert lift.interval.low == pytest.approx(theirs.rel_effect_size_ci_lower, abs=2e-3)
        assert lift.interval.high == pytest.approx(theirs.rel_effect_size_ci_upper, abs=2e-3)


def test_p_is_never_0():
    """`1 - cdf` ends at 1e-16; the upper tail goes on, and ends at the smallest number there is."""
    base = Estimate(value=0.0, variance=0.5, n=10**6, degrees_of_freedom=10**6 - 1)

    tail = [told(compare(control=base, treatment=replace(base, value=t))).p_value for t in (9, 20, 37, 1e9)]

    assert tail[0] == pytest.approx(2 * stats.norm.sf(9), rel=1e-3)
    assert tail[2] == pytest.approx(2 * stats.norm.sf(37), rel=0.5)
    assert sorted(tail, reverse=True) == tail
    assert tail[3] == 2 * LEAST_P > 0
    assert sys.float_info.min == LEAST_P


@given(ESTIMATES, ESTIMATES)
def test_arms_may_be_swapped(control, treatment):
    """The difference changes its sign, and all else stays."""
    there, back = (
        told(compare(control=control, treatment=treatment)),
        told(compare(control=treatment, treatment=control)),
    )

    assert there.p_value == pytest.approx(back.p_value)
    assert there.difference == -back.difference
    assert there.interval.low == pytest.approx(-back.interval.high)
    assert there.interval.high == pytest.approx(-back.interval.low)


@given(ESTIMATES, ESTIMATES, st.floats(1e-6, 1e6), st.sampled_from([1, -1]))
def test_p_and_lift_do_not_depend_on_the_unit_of_measurement(control, treatment, factor, sign):
    """Milliseconds or seconds; and more or less, but for the sign."""
    plain = told(compare(control=control, treatment=treatment))

    scaled = told(
        compare(
            **{
                name: replace(each, value=sign * factor * each.value, variance=factor**2 * each.variance)
                for name, each in (("control", control), ("treatment", treatment))
            }
        )
    )

    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-6)
    assert isinstance(scaled.lift, CannotTell) == isinstance(plain.lift, CannotTell)
    if not isinstance(plain.lift, CannotTell) and not isinstance(scaled.lift, CannotTell):
        ends = sorted([sign * plain.lift.interval.low, sign * plain.lift.interval.high])
        assert [scaled.lift.interval.low, scaled.lift.interval.high] == pytest.approx(
            ends, rel=1e-5, abs=1e-9
        )


@given(ESTIMATES, ESTIMATES, st.floats(0, 0.9), st.sampled_from([0.3, 0.05, 0.001]))
def test_difference_lift_and_p_never_contradict_each_other(control, treatment, shared, alpha):
    """0 is outside both intervals exactly when p is below alpha; a lift by the delta method may disagree."""
    covariance = shared * min(control.variance, treatment.variance)
    found = told(compare(control=control, treatment=treatment, alpha=alpha, covariance=covariance))
    assume(abs(found.p_value - alpha) > 1e-6)

    assert (0 not in found.interval) == (found.p_value < alpha)
    if not isinstance(found.lift, CannotTell):
        assert (0 not in found.lift.interval) == (found.p_value < alpha)
        assert found.lift.interval.low <= found.lift.value <= found.lift.interval.high


@given(ESTIMATES, ESTIMATES, st.floats(-0.9, 0.9))
def test_the_ends_of_a_lift_are_the_ratios_that_are_just_not_refused(control, treatment, shared):
    """Fieller's definition: at both ends `treatment - ratio control` is as far from 0 as chance may bring it."""
    covariance = shared * math.sqrt(control.variance * treatment.variance)
    assume(covariance < min(control.variance, treatment.variance))
    found = told(compare(control=control, treatment=treatment, covariance=covariance))
    if isinstance(found.lift, CannotTell):
        return
    critical = (found.interval.high - found.difference) / found.error

    for end in (found.lift.interval.low, found.lift.interval.high):
        ratio = 1 + math.copysign(end, control.value * end)
        gap = treatment.value - ratio * control.value
        variance = treatment.variance - 2 * ratio * covariance + ratio**2 * control.variance
        assert abs(gap) == pytest.approx(critical * math.sqrt(variance), rel=1e-4, abs=1e-6)


def test_the_error_of_a_lift_allows_for_what_both_arms_share():
    """The delta method by hand."""
    control = Estimate(value=10.0, variance=0.04, n=1000, degrees_of_freedom=999)
    treatment = replace(control, value=12.0, variance=0.09)

    lift = told(told(compare(control=control, treatment=treatment, covariance=0.02)).lift)

    assert lift.error == pytest.approx(math.sqrt(0.09 - 2 * 1.2 * 0.02 + 1.44 * 0.04) / 10)


def test_a_lift_by_fieller_and_by_the_delta_method_agree_where_the_control_is_well_known():
    """A control of 100 with an error of 0.1: both give the same to a thousandth of the width."""
    control = Estimate(value=100.0, variance=0.01, n=10_000, degrees_of_freedom=9999)

    lift = told(told(compare(control=control, treatment=replace(control, value=103.0))).lift)

    assert lift.value == pytest.approx(0.03)
    assert lift.error == pytest.approx(math.sqrt(0.01 / 100**2 + 0.01 * 103**2 / 100**4))
    assert lift.interval.low == pytest.approx(0.03 - 1.96 * lift.error, abs=5e-6)
    assert lift.interval.high == pytest.approx(0.03 + 1.96 * lift.error, abs=5e-6)


def test_a_lift_of_huge_values_keeps_its_digits():
    """Means of 1e8 with an error of 1: the textbook's quadratic formula would lose them all."""
    control = Estimate(value=1e8, variance=1.0, n=10_000, degrees_of_freedom=9999)

    lift = told(told(compare(control=control, treatment=replace(control, value=1e8 + 10))).lift)

    half = stats.t.ppf(0.975, 2 * 9999) * math.sqrt(2) * 1e-8
    assert lift.interval.low == pytest.approx(1e-7 - half, rel=1e-6)
    assert lift.interval.high == pytest.approx(1e-7 + half, rel=1e-6)


def test_fiellers_interval_holds_the_lift_where_the_delta_method_does_not():
    """A control with an error of 12 %, 20,000 draws: 2.5 % in each tail within four standard errors; delta's are unequal."""
    source = random_source(5)
    tails = dict.fromkeys(("fieller low", "fieller high", "delta low", "delta high"), 0)
    for control, treatment in source.normal([1.0, 1.5], [0.12, 0.12], (20_000, 2)):
        arms = [
            Estimate(value=value, variance=0.0144, n=10**6, degrees_of_freedom=1e6)
            for value in (control, treatment)
        ]
        lift = told(told(compare(control=arms[0], treatment=arms[1])).lift)
        tails["fieller low"] += lift.interval.low > 0.5
        tails["fieller high"] += lift.interval.high < 0.5
        tails["delta low"] += lift.value - 1.96 * lift.error > 0.5
        tails["delta high"] += lift.value + 1.96 * lift.error < 0.5

    shares = {name: count / 20_000 for name, count in tails.items()}
    assert shares["fieller low"] == pytest.approx(0.025, abs=0.0044)
    assert shares["fieller high"] == pytest.approx(0.025, abs=0.0044)
    assert shares["delta low"] < 0.012, shares
    assert shares["delta high"] > 0.035, shares


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.19, -0.19])
def test_a_control_near_0_has_no_lift(value):
    """An error of 0.1: the control is not told from 0, so a share of it may be anything."""
    control = Estimate(value=value, variance=0.01, n=1000, degrees_of_freedom=999)

    found = told(compare(control=control, treatment=replace(control, value=1.0)))

    assert isinstance(found.lift, CannotTell)
    assert found.lift.code == "EXP085"
    assert found.p_value < 1e-6, "the difference is told all the same"


def test_a_lift_of_negative_values_says_in_which_direction():
    """From -10 to -9 is up by 10 %."""
    control = Estimate(value=-10.0, variance=0.01, n=1000, degrees_of_freedom=999)

    lift = told(told(compare(control=control, treatment=replace(control, value=-9.0))).lift)

    assert lift.value == pytest.approx(0.1)
    assert 0 < lift.interval.low < 0.1 < lift.interval.high


def test_arms_in_which_all_are_alike_cannot_be_compared():
    """Even where they differ: nothing says what chance does."""
    answer = compare(control=CONSTANT, treatment=replace(CONSTANT, value=0.7))

    assert isinstance(answer, CannotTell)
    assert answer.code == "EXP082"


def test_one_constant_arm_leaves_the_other_ones_degrees_of_freedom():
    """Welch's rule at its limit."""
    other = Estimate(value=0.7, variance=0.01, n=20, degrees_of_freedom=19)

    assert told(compare(control=CONSTANT, treatment=other)).degrees_of_freedom == pytest.approx(19)


@given(ESTIMATES, ESTIMATES, st.floats(0.5, 5))
def test_intervals_at_another_bound_leave_out_0_where_z_exceeds_it(control, treatment, bound):
    """At the usual bound they are those of the comparison; few degrees of freedom count as they should."""
    found = told(compare(control=control, treatment=treatment))

    usual, _ = intervals_at(found, critical=1.959963984540054)
    interval, lift = intervals_at(found, critical=bound)

    assert (usual.low, usual.high) == pytest.approx((found.interval.low, found.interval.high), rel=1e-6)
    assume(abs(abs(found.z) - bound) > 1e-6)
    assert (0 not in interval) == (abs(found.z) > bound)
    if not isinstance(lift, CannotTell):
        assert (0 not in lift) == (abs(found.z) > bound)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("sign", [1, -1])
def test_an_absolute_margin_is_tested_as_statsmodels_does(seed, sign):
    """One of the two one-sided tests of its equivalence test."""
    control, treatment = _two_samples(seed)
    _, above, below = ttost_ind(treatment, control, -2.0, 2.0, usevar="unequal")

    found = told(
        not_inferior(
            control=mean_of(control),
            treatment=mean_of(treatment),
            margin=Effect(size=2.0, is_relative=False),
            sign=sign,
        )
    )

    assert found.p_value == pytest.approx((above if sign == 1 else below)[1])


@given(
    ESTIMATES,
    ESTIMATES,
    st.floats(0.01, 0.5),
    st.booleans(),
    st.sampled_from([1, -1]),
    st.sampled_from([0.1, 0.025]),
)
def test_not_inferior_is_what_the_interval_shows(control, treatment, size, is_relative, sign, alpha):
    """The worse end of difference or lift is above the margin exactly when p is below alpha."""
    margin = Effect(size=size, is_relative=is_relative)

    found = not_inferior(control=control, treatment=treatment, margin=margin, sign=sign, alpha=alpha)

    if isinstance(found, CannotTell):
        assert (found.code, is_relative) == ("EXP085", True)
        return
    assume(abs(found.p_value - alpha) > 1e-6)
    interval = told(found.comparison.lift).interval if is_relative else found.comparison.interval
    worse = interval.low if sign == 1 else -interval.high
    assert found.is_shown == (worse > -size)
    assert not (found.is_shown and found.is_refuted)


@pytest.mark.parametrize(
    ("value", "sign", "bearable"), [(10.0, 1, 0.9), (10.0, -1, 1.1), (-10.0, 1, 1.1), (-10.0, -1, 0.9)]
)
def test_a_relative_margin_is_a_share_of_the_true_control(value, sign, bearable):
    """The statistic of `treatment - 0.9 control` (or 1.1), by hand, with what both share."""
    control = Estimate(value=value, variance=0.4, n=1000, degrees_of_freedom=999)
    treatment = replace(control, value=value + 0.3, variance=0.9)

    found = told(
        not_inferior(
            control=control,
            treatment=treatment,
            margin=Effect(size=0.1, is_relative=True),
            sign=sign,
            covariance=0.2,
        )
    )

    error = math.sqrt(0.9 - 2 * bearable * 0.2 + bearable**2 * 0.4)
    assert found.statistic == pytest.approx(sign * (treatment.value - bearable * value) / error)


@pytest.mark.slow
def test_a_treatment_that_is_worse_by_exactly_the_margin_passes_one_time_in_forty():
    """20,000 draws with a relative margin and a noisy control: 2.5 % within four standard errors."""
    source = random_source(6)
    shown = 0
    for control, treatment in source.normal([10.0, 9.8], [0.5, 0.5], (20_000, 2)):
        arms = [
            Estimate(value=value, variance=0.25, n=10**6, degrees_of_freedom=1e6)
            for value in (control, treatment)
        ]
        shown += told(
            not_inferior(
                control=arms[0],
                treatment=arms[1],
                margin=Effect(size=0.02, is_relative=True),
                sign=1,
                alpha=0.025,
            )
        ).is_shown

    assert shown / 20_000 == pytest.approx(0.025, abs=0.0044)


def test_p_of_equal_arms_is_uniform():
    """2,000 pairs of small skewed samples; Kolmogorov-Smirnov, a smoke test beside the certificate."""
    source = random_source(7)
    found = [
        told(compare(control=mean_of(pair[:100]), treatment=mean_of(pair[100:]))).p_value
        for pair in source.exponential(1.0, (2000, 200))
    ]

    assert stats.kstest(found, "uniform").pvalue > 0.001
    assert 0.035 < np.mean(np.array(found) < 0.05) < 0.065


def test_cautions_of_both_arms_are_told_once():
    """With the name of the arm in front."""
    base = Estimate(value=0.5, variance=0.1, n=9, degrees_of_freedom=8, cautions=("few", "few"))

    assert told(compare(control=base, treatment=replace(base, cautions=()))).cautions == ("control: few",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"alpha": math.nan},
        {"covariance": math.nan},
        {"covariance": 10.0},
    ],
)
def test_what_is_no_error_rate_or_covariance_is_refused(wrong):
    """A comparison never holds NaN."""
    base = Estimate(value=0.5, variance=0.1, n=9, degrees_of_freedom=8)

    with pytest.raises(ValueError, match=r"alpha|covariance"):
        compare(control=base, treatment=base, **wrong)


@pytest.mark.parametrize("wrong", [{"sign": 0}, {"alpha": 0.5}])
def test_a_one_sided_test_needs_a_direction(wrong):
    """... and an alpha below a half."""
    base = Estimate(value=0.5, variance=0.1, n=9, degrees_of_freedom=8)

    with pytest.raises(ValueError, match=r"sign|alpha"):
        not_inferior(
            **(
                {"control": base, "treatment": base, "margin": Effect(size=0.1, is_relative=False), "sign": 1}
                | wrong
            )
        )
