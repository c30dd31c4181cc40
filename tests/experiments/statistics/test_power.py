"""Sizes of experiments against statsmodels, the figures of the report, and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower, TTestIndPower
from tests.experiments.statistics.books import experiment, metric
from tests.experiments.statistics.samples import random_source, told, with_covariate

from opsctl.experiments.book import Correction, Scope
from opsctl.experiments.metric_book import Baseline
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare
from opsctl.experiments.statistics.confidence_sequence import Sides, Tuning, bound_at
from opsctl.experiments.statistics.cuped import adjust_means
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.power import (
    Design,
    design_of,
    detectable,
    power_at,
    share_deviation,
    units_needed,
)

DESIGNS = st.builds(
    Design,
    deviation=st.floats(0.01, 100),
    correlation=st.floats(0, 0.95),
    control_share=st.floats(0.05, 0.5),
    treatment_share=st.floats(0.05, 0.5),
    alpha=st.floats(0.001, 0.2),
    power=st.floats(0.55, 0.99),
    comparisons=st.integers(1, 20),
    sides=st.sampled_from(list(Sides)),
    inflation=st.floats(1, 2),
)


@pytest.mark.parametrize(
    ("per_arm", "share", "relative"),
    [
        (5000, 0.2, 0.112),
        (5000, 0.05, 0.244),
        (5000, 0.02, 0.392),
        (1667, 0.2, 0.194),
        (50_000, 0.2, 0.035),
        (50_000, 0.05, 0.077),
        (500_000, 0.2, 0.011),
        (500_000, 0.05, 0.024),
    ],
)
def test_detectable_effects_are_those_of_the_report(per_arm, share, relative):
    """Decision 6 and section 4.1, to their last digit."""
    design = Design(deviation=share_deviation(share))

    assert detectable(design, 2 * per_arm) / share == pytest.approx(relative, abs=0.0005)


@given(DESIGNS, st.floats(0.01, 1))
def test_units_effect_and_power_fit_each_other(design, size):
    """The units that an effect needs find it with the power asked for, and no smaller one."""
    units = units_needed(design, size)

    assert power_at(design, units=units, size=size) >= design.power - 1e-9
    assert detectable(design, units) <= size * (1 + 1e-9)
    if units > 100:
        assert power_at(design, units=0.98 * units, size=size) < design.power + 1e-3


@pytest.mark.parametrize("ratio", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("size", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("alternative", ["two-sided", "larger"])
def test_power_is_that_of_statsmodels(ratio, size, alternative):
    """Of its normal test, equal and unequal arms, one- and two-sided."""
    design = Design(
        deviation=2.0,
        control_share=1 / (1 + ratio),
        treatment_share=ratio / (1 + ratio),
        sides=Sides.TWO if alternative == "two-sided" else Sides.ONE,
    )
    oracle = NormalIndPower()

    for units in (50, 500, 5000):
        theirs = oracle.power(size, units / (1 + ratio), 0.05, ratio, alternative=alternative)
        assert power_at(design, units=units, size=2.0 * size) == pytest.approx(theirs)
    needed = oracle.solve_power(size, None, 0.05, 0.8, ratio, alternative=alternative) * (1 + ratio)
    assert units_needed(design, 2.0 * size) == pytest.approx(needed, abs=1)


def test_few_units_are_a_little_optimistic():
    """Student's t needs a few more than the normal distribution: 2 % at 100 units, nothing at 1,000."""
    design, oracle = Design(deviation=1.0), TTestIndPower()

    for units, off in ((100, 0.02), (1000, 0.002)):
        size = detectable(design, units)
        theirs = 2 * oracle.solve_power(size, None, 0.05, 0.8)
        assert units == pytest.approx(theirs, rel=off)


def test_a_pre_period_saves_the_units_that_the_report_says():
    """Correlations of 0.5 and 0.7 leave 75 % and 51 % of them."""
    plain = units_needed(Design(deviation=1.0), 0.05)

    for correlation, left in ((0.5, 0.75), (0.7, 0.51)):
        assert units_needed(Design(deviation=1.0, correlation=correlation), 0.05) == pytest.approx(
            left * plain, abs=1
        )


def test_several_comparisons_share_alpha():
    """Four at 5 % ask for what one at 1.25 % does."""
    several, one = Design(deviation=1.0, comparisons=4), Design(deviation=1.0, alpha=0.0125)

    assert units_needed(several, 0.1) == units_needed(one, 0.1) > units_needed(Design(deviation=1.0), 0.1)


def test_the_power_that_is_promised_is_kept_with_a_pre_period():
    """1,000 simulated experiments of the size that is needed: 80 %, within four standard errors; 60 % without it."""
    design = Design(deviation=2.0, correlation=0.7)
    units = units_needed(design, 0.4)
    found = {"with": 0, "without": 0}
    for seed in range(1000):
        samples = [with_covariate(units // 2, seed=2 * seed + arm) for arm in (0, 1)]
        samples[1][:, 0] += 0.4
        adjusted = adjust_means({"a": [moments_of(samples[0])], "b": [moments_of(samples[1])]})
        for name, estimates in (("with", adjusted.estimates), ("without", adjusted.unadjusted)):
            shared = adjusted.covariance("a", "b") if name == "with" else 0.0
            comparison = compare(
                control=told(estimates["a"]), treatment=told(estimates["b"]), covariance=shared
            )
            found[name] += told(comparison).p_value < 0.05

    expected = power_at(Design(deviation=2.0), units=units, size=0.4)
    assert found["with"] / 1000 == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 1000))
    assert found["without"] / 1000 == pytest.approx(expected, abs=4 * math.sqrt(0.25 / 1000))
    assert expected < 0.6


def test_the_design_of_a_book_has_its_weights_its_family_and_its_deviation():
    """Three arms, two primary metrics, Holm over all: a fourth of alpha; a share knows its own deviation."""
    book = experiment(
        {"saves": metric(), "clicks": metric(events=["click"])},
        arms={"control": {"weight": 0.5}, "a": {"weight": 0.3}, "b": {"weight": 0.2}},
    )

    design = told(design_of(book, book.metrics["saves"], arm="b", baseline=Baseline(mean=0.2)))

    assert design == Design(deviation=0.4, control_share=0.5, treatment_share=0.2, comparisons=4)


@pytest.mark.parametrize(
    ("scope", "correction", "comparisons"),
    [
        (Scope.BOTH, Correction.HOLM, 4),
        (Scope.ARMS, Correction.HOLM, 2),
        (Scope.METRICS, Correction.BENJAMINI_HOCHBERG, 2),
        (Scope.BOTH, Correction.NONE, 1),
    ],
)
def test_comparisons_follow_the_scope(scope, correction, comparisons):
    """An arm without weight is compared with nothing."""
    book = experiment(
        {"saves": metric(), "clicks": metric(events=["click"])},
        arms={"control": {"weight": 0.5}, "a": {"weight": 0.3}, "b": {"weight": 0.2}, "c": {"weight": 0.0}},
        families={"primary": {"correction": correction, "scope": scope}},
    )

    design = told(design_of(book, book.metrics["saves"], arm="a", baseline=Baseline(mean=0.2)))

    assert design.comparisons == comparisons


def test_a_pre_period_counts_only_where_the_book_has_one():
    """A correlation that nobody uses is worth nothing."""
    baseline = Baseline(mean=3.0, deviation=2.0, correlation=0.6)
    for pre_period, correlation in ((None, 0.0), ("14d", 0.6)):
        book = experiment({"saves": metric(kind="mean", pre_period=pre_period)})
        design = told(design_of(book, book.metrics["saves"], arm="treatment", baseline=baseline))
        assert design.correlation == correlation


def test_a_margin_is_tested_on_one_side_at_half_of_alpha():
    """Which asks for the same z as two sides at alpha."""
    book = experiment({"saves": metric(), "hides": metric(role="guardrail", mde=None, margin="2pp")})

    design = told(design_of(book, book.metrics["hides"], arm="treatment", baseline=Baseline(mean=0.1)))

    assert (design.sides, design.alpha) == (Sides.ONE, 0.025)
    assert design.critical == pytest.approx(1.959964)


def test_stopping_rules_have_their_price():
    """Planned looks cost a few percent, looking at any time nearly twice the units."""
    factors = {}
    for name, stopping in (
        ("fixed", {"rule": "fixed"}),
        ("planned", {"rule": "group_sequential", "looks": ["3d", "7d", "10d"]}),
        ("always", {"rule": "always_valid"}),
    ):
        book = experiment(stopping=stopping, units=5000)
        design = told(design_of(book, book.metrics["saves"], arm="treatment", baseline=Baseline(mean=0.2)))
        factors[name] = design.inflation

    assert factors["fixed"] == 1
    assert 1.02 < factors["planned"] < 1.1
    assert factors["always"] == pytest.approx(((3.035 + 0.8416) / 2.8016) ** 2, rel=1e-3)


def test_a_test_that_may_be_read_at_any_time_has_at_least_the_power_that_is_promised():
    """20 looks up to the planned number of units, 20,000 experiments; crossing early makes it a little more."""
    book = experiment(stopping={"rule": "always_valid"}, units=5000)
    design = told(design_of(book, book.metrics["saves"], arm="treatment", baseline=Baseline(mean=0.2)))
    size, at = detectable(design, 5000), np.arange(1, 21) * 250
    drift = size / math.sqrt(design.unit_variance) * math.sqrt(250)

    z = np.cumsum(random_source(1).normal(drift, 1, (20_000, 20)), axis=1) / np.sqrt(np.arange(1, 21))
    bounds = [bound_at(int(units), tuning=Tuning(units=5000)) for units in at]

    assert 0.795 < (z >= bounds).any(axis=1).mean() < 0.85


def test_a_mean_of_unknown_spread_has_no_size():
    """It has to be measured first."""
    book = experiment({"saves": metric(kind="mean")})

    answer = design_of(book, book.metrics["saves"], arm="treatment", baseline=Baseline(mean=3.0))

    assert isinstance(answer, CannotTell)
    assert answer.code == "EXP094"


@pytest.mark.parametrize(
    "wrong",
    [
        {"deviation": -1.0},
        {"deviation": math.nan},
        {"correlation": 1.0},
        {"control_share": 0.0},
        {"treatment_share": 0.6},
        {"alpha": 0.0},
        {"power": 1.0},
        {"comparisons": 0},
        {"inflation": 0.5},
    ],
)
def test_what_is_no_design_is_refused(wrong):
    """Before any figure comes of it."""
    with pytest.raises(ValueError, match=r"deviation|share|alpha"):
        Design(**({"deviation": 1.0} | wrong))


@pytest.mark.parametrize(
    "call",
    [
        lambda design: units_needed(design, 0.0),
        lambda design: units_needed(design, math.nan),
        lambda design: detectable(design, 0),
        lambda design: power_at(design, units=0, size=1.0),
        lambda _: share_deviation(1.2),
    ],
)
def test_nothing_finds_nothing(call):
    """No effect, no units, no share."""
    with pytest.raises(ValueError, match=r"effect|units|share"):
        call(Design(deviation=1.0))


def test_a_metric_that_is_the_same_for_all_needs_hardly_any_units():
    """Its power is 1 for any effect, 0 for none."""
    design = Design(deviation=0.0)

    assert units_needed(design, 0.1) == 4
    assert [power_at(design, units=10, size=size) for size in (0.1, 0.0)] == [1.0, 0.0]
