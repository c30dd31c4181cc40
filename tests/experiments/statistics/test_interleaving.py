"""Preferences in interleaved feeds against scipy, simulation and by hand."""

import math

import numpy as np
import pytest
from scipy import stats
from tests.experiments.statistics.samples import random_source, told

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.interleaving import interleaving_statistics, preference


def _sessions(readers, *, seed, taste=0.0):
    """Return owners and credits: each reader has a taste of its own, some come much more often."""
    source = random_source(seed)
    owners = np.repeat(np.arange(readers), 1 + source.poisson(source.gamma(1.0, 6.0, readers)))
    share = 1 / (1 + np.exp(-(taste + source.normal(0, 1.0, readers))))
    clicks = source.poisson(1.2, len(owners))
    treatment = source.binomial(clicks, share[owners])
    return owners, (clicks - treatment).astype(float), treatment.astype(float)


def test_a_preference_is_counted_by_sessions_and_readers():
    """By hand: five sessions of three readers; one without a choice says nothing, one is a draw."""
    found = told(
        preference(
            interleaving_statistics(
                np.array([1, 1, 2, 2, 3, 3]),
                np.array([0.0, 1.0, 0.0, 0.0, 2.0, 0.0]),
                np.array([2.0, 0.0, 0.0, 1.0, 2.0, 3.0]),
            )
        )
    )

    assert found.readers == 3
    assert found.value == pytest.approx((1 - 1 + 1 + 0 + 1) / 5)
    assert found.sign_p_value == pytest.approx(stats.binomtest(2, 2).pvalue)


def test_readers_of_one_session_each_have_students_test():
    """Of won and lost sessions against 0."""
    source = random_source(1)
    control, treatment = source.poisson(1.0, (2, 500)).astype(float)

    found = told(preference(interleaving_statistics(np.arange(500), control, treatment)))

    won = np.sign(treatment - control)[control + treatment > 0]
    oracle = stats.ttest_1samp(won, 0)
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert (found.interval.low, found.interval.high) == pytest.approx(tuple(oracle.confidence_interval()))
    assert found.sign_p_value == pytest.approx(
        stats.binomtest(int((won > 0).sum()), int((won != 0).sum())).pvalue
    )


def test_arms_may_be_swapped():
    """The preference changes its sign, and the p-values stay."""
    owners, control, treatment = _sessions(200, seed=2, taste=0.3)
    there = told(preference(interleaving_statistics(owners, control, treatment)))

    back = told(preference(interleaving_statistics(owners, treatment, control)))

    assert back.value == -there.value
    assert (back.p_value, back.sign_p_value) == pytest.approx((there.p_value, there.sign_p_value))


def test_readers_who_come_often_do_not_make_chance_look_like_taste():
    """600 experiments without a preference: 5 % found, within four standard errors; by sessions it would be 20 %."""
    found = {"reader": 0, "sign": 0, "session": 0}
    for seed in range(600):
        owners, control, treatment = _sessions(150, seed=1000 + seed)
        each = told(preference(interleaving_statistics(owners, control, treatment)))
        won = np.sign(treatment - control)[control + treatment > 0]
        found["reader"] += each.p_value < 0.05
        found["sign"] += each.sign_p_value < 0.05
        found["session"] += stats.ttest_1samp(won, 0).pvalue < 0.05

    assert found["reader"] / 600 == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 600))
    assert found["sign"] / 600 < 0.075
    assert found["session"] / 600 > 0.15


def test_a_preference_is_found():
    """300 readers with a slight taste, ten worlds of ten."""
    assert all(
        told(preference(interleaving_statistics(*_sessions(300, seed=seed, taste=0.6)))).p_value < 0.05
        for seed in range(10)
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_readers_who_are_all_of_one_mind_are_believed_by_their_number(sign):
    """Twenty of twenty: the sign test, and the exact interval of a share."""
    ones, nothing = np.ones(20), np.zeros(20)
    arms = (nothing, ones) if sign == 1 else (ones, nothing)

    found = told(preference(interleaving_statistics(np.arange(20), *arms)))

    assert found.value == sign
    assert found.p_value == found.sign_p_value == pytest.approx(2 * 0.5**20)
    exact = stats.binomtest(20, 20).proportion_ci(method="exact")
    ends = sorted([sign * (2 * exact.low - 1), sign * (2 * exact.high - 1)])
    assert [found.interval.low, found.interval.high] == pytest.approx(ends)


@pytest.mark.parametrize(
    ("control", "treatment", "code"),
    [([], [], "EXP080"), ([0.0] * 9, [0.0] * 9, "EXP080"), ([1.0] * 9, [1.0] * 9, "EXP095")],
)
def test_what_cannot_be_told_has_its_reason(control, treatment, code):
    """No sessions, no choices, draws only."""
    answer = preference(
        interleaving_statistics(np.arange(len(control)), np.array(control), np.array(treatment))
    )

    assert isinstance(answer, CannotTell)
    assert answer.code == code


@pytest.mark.parametrize("wrong", [-1.0, math.nan])
def test_a_credit_that_is_none_is_refused(wrong):
    """Negative or not finite."""
    with pytest.raises(ValueError, match="credit"):
        interleaving_statistics(np.arange(2), np.array([1.0, wrong]), np.ones(2))
