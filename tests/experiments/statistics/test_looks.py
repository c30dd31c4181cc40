"""Decisions at planned and unplanned looks: the error rate, the p-value that fits them, and intervals."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.experiments.statistics.samples import random_source, told

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare, intervals_at
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.statistics.looks import LEAST_P, Look, decide
from opsctl.experiments.statistics.sequential import power_family_bounds

LOOKS = st.lists(
    st.builds(Look, share=st.integers(1, 39).map(lambda place: place / 40), z=st.floats(-6, 6)),
    min_size=1,
    max_size=5,
    unique_by=lambda look: look.share,
).map(lambda looks: sorted(looks, key=lambda look: look.share))


def _looks(*pairs):
    return [Look(share=share, z=z) for share, z in pairs]


@settings(max_examples=40)
@given(LOOKS, st.floats(0.001, 0.2), st.booleans())
def test_p_is_at_most_alpha_exactly_when_a_bound_was_crossed(looks, alpha, is_last):
    """At any look so far."""
    found = told(decide(looks, alpha=alpha, spending=2, is_last=is_last))
    assume(abs(found.p_value - alpha) > 1e-6)

    assert (found.p_value < alpha) == (found.crossed_at is not None)
    assert found.look == len(looks)
    assert 0 < found.spent <= alpha


@settings(max_examples=25)
@given(LOOKS)
def test_p_never_rises_from_look_to_look(looks):
    """What was shown once stays shown; and it is never smaller than the p of one look at all."""
    found = [
        told(decide(looks[:number], alpha=0.05, spending=2)).p_value for number in range(1, len(looks) + 1)
    ]

    assert found == sorted(found, reverse=True)
    greatest = max(abs(look.z) for look in looks)
    assert found[-1] >= 2 * stats.norm.sf(greatest) * (1 - 1e-6)


def test_a_single_look_at_the_end_is_the_usual_test():
    """The p of a normal statistic, and 1.96."""
    found = told(decide(_looks((1.0, -2.5)), alpha=0.05, spending=2))

    assert found.p_value == pytest.approx(2 * stats.norm.sf(2.5))
    assert found.bound == pytest.approx(1.959964)
    assert (found.crossed_at, found.direction, found.spent) == (1, -1, 0.05)


def test_an_early_look_needs_more():
    """2.5 is enough at the end, not at a fifth of the way; 3.2 is."""
    assert told(decide(_looks((0.2, 2.5)), alpha=0.05, spending=2)).crossed_at is None
    found = told(decide(_looks((0.2, 3.2), (0.6, 0.1)), alpha=0.05, spending=2))
    assert (found.crossed_at, found.direction) == (1, 1)
    assert found.p_value < 0.05


@pytest.mark.drill
def test_unplanned_looks_keep_the_error_rate():
    """400 experiments without an effect, looked at 1 to 6 times whenever somebody liked: 5 % within four standard errors.

    At the usual bound it would be three times as many.
    """
    source, crossed, peeking = random_source(1), 0, 0
    for _ in range(400):
        times = np.append(np.sort(source.uniform(0.01, 0.97, source.integers(0, 6))), 1.0)
        z = np.cumsum(source.normal(0, np.sqrt(np.diff([0.0, *times])))) / np.sqrt(times)
        looks = [Look(share=float(time), z=float(each)) for time, each in zip(times, z, strict=True)]
        crossed += told(decide(looks, alpha=0.05, spending=2)).crossed_at is not None
        peeking += bool((np.abs(z) >= 1.96).any())

    assert crossed / 400 == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 400))
    assert peeking / 400 > 0.1


def test_p_of_experiments_without_an_effect_is_no_smaller_than_chance():
    """250 experiments of four looks: p at most 0.05 in 5 %, at most 0.3 in 30 %, within four standard errors."""
    source, found = random_source(2), []
    for _ in range(250):
        z = np.cumsum(source.normal(0, 0.5, 4)) / np.sqrt([0.25, 0.5, 0.75, 1.0])
        found.append(
            told(
                decide([Look(share=(k + 1) / 4, z=float(z[k])) for k in range(4)], alpha=0.05, spending=2)
            ).p_value
        )

    for limit in (0.05, 0.3):
        share = np.mean(np.array(found) <= limit)
        assert share == pytest.approx(limit, abs=4 * math.sqrt(limit * (1 - limit) / 250))


def test_repeated_intervals_hold_the_truth_at_all_looks_together():
    """20,000 paths: in 95 of 100 no look's interval leaves out the true drift, within four standard errors."""
    times = np.array([0.3, 0.6, 1.0])
    bounds = power_family_bounds(times.tolist(), alpha=0.05, spending=2)
    gaps, source = np.diff([0.0, *times]), random_source(3)
    motion = np.cumsum(source.normal(2.0 * gaps, np.sqrt(gaps), (20_000, 3)), axis=1)

    held = (np.abs(motion / times - 2.0) <= bounds / np.sqrt(times)).all(axis=1).mean()

    assert held == pytest.approx(0.95, abs=4 * math.sqrt(0.05 * 0.95 / 20_000))


def test_the_interval_at_a_look_leaves_out_0_exactly_when_its_bound_is_crossed():
    """With few degrees of freedom, too."""
    for value in np.linspace(0.5, 3.0, 40):
        control = Estimate(value=10.0, variance=0.2, n=12, degrees_of_freedom=11)
        treatment = Estimate(value=10.0 + float(value), variance=0.3, n=12, degrees_of_freedom=11)
        comparison = told(compare(control=control, treatment=treatment))
        found = told(decide([Look(share=0.5, z=comparison.z)], alpha=0.05, spending=2))

        interval, lift = intervals_at(comparison, critical=found.bound)

        assert (0 not in interval) == (found.crossed_at == 1) == (0 not in told(lift))


def test_fewer_units_than_planned_still_spend_all_of_alpha_at_the_last_look():
    """70 % came: the last look's bound is lower than it would be on the way, and the error rate is 5 %."""
    looks = _looks((0.3, 0.0), (0.7, 2.1))

    on_the_way, at_the_end = (
        told(decide(looks, alpha=0.05, spending=2)),
        told(decide(looks, alpha=0.05, spending=2, is_last=True)),
    )

    assert (on_the_way.crossed_at, at_the_end.crossed_at) == (None, 2)
    assert (on_the_way.spent, at_the_end.spent) == pytest.approx((0.05 * 0.49, 0.05))
    assert at_the_end.p_value < 0.05


def test_more_units_than_planned_are_no_second_chance():
    """A last look at 110 % spends the rest; another one decides nothing."""
    looks = _looks((0.5, 0.0), (1.1, 1.0))
    assert told(decide(looks, alpha=0.05, spending=2)).spent == 0.05

    answer = decide([*looks, Look(share=1.3, z=9.0)], alpha=0.05, spending=2)

    assert isinstance(answer, CannotTell)
    assert answer.code == "EXP090"


def test_a_look_that_brings_nothing_new_makes_bounds_a_little_stricter():
    """Two looks at the same hour, and one with fewer units than before, since somebody asked to be forgotten."""
    plain = told(decide(_looks((0.5, 1.0), (0.75, 1.0)), alpha=0.05, spending=2)).bound

    twice = told(decide(_looks((0.5, 1.0), (0.5, 1.0), (0.75, 1.0)), alpha=0.05, spending=2)).bound
    fewer = told(decide(_looks((0.5, 1.0), (0.499, 1.0), (0.75, 1.0)), alpha=0.05, spending=2)).bound

    assert plain < twice == fewer < plain + 0.02


def test_an_overwhelming_statistic_has_a_small_p_and_not_0():
    """The integration's reach is said, not hidden."""
    assert told(decide(_looks((0.5, 37.0)), alpha=0.05, spending=2)).p_value == LEAST_P


@pytest.mark.parametrize(
    "looks",
    [[], _looks((0.0, 1.0)), _looks((math.nan, 1.0)), _looks((0.5, math.nan)), _looks((math.inf, 0.0))],
)
def test_what_is_no_look_is_refused(looks):
    """No units, or no statistic."""
    with pytest.raises(ValueError, match="look"):
        decide(looks, alpha=0.05, spending=2)
