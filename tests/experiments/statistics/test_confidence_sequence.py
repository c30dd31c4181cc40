"""Confidence sequences against the report's figures, their closed form, and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from tests.experiments.statistics.samples import random_source, told

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.confidence_sequence import (
    AnytimeLook,
    Sides,
    Tuning,
    bound_at,
    follow,
    log_e_value,
)

USUAL = Tuning(units=5000)
TUNINGS = st.builds(
    Tuning, units=st.integers(100, 10**6), alpha=st.floats(1e-6, 0.2), sides=st.sampled_from(list(Sides))
)


def _looks(*pairs):
    return [AnytimeLook(units=units, z=z) for units, z in pairs]


def _crossed(*, looks, units, tuning, count, seed, drift=0.0):
    """Return the share of simulated experiments in which some look crosses its bound; looks are equally far apart."""
    at = np.arange(1, looks + 1) * (units // looks)
    z = np.cumsum(random_source(seed).normal(drift, 1, (count, looks)), axis=1) / np.sqrt(
        np.arange(1, looks + 1)
    )
    bounds = [bound_at(int(each), tuning=tuning) for each in at]
    size = z if tuning.sides is Sides.ONE else np.abs(z)
    return (size >= bounds).any(axis=1).mean()


@pytest.mark.parametrize(("units", "wider"), [(5000, 1.55), (1000, 1.72), (500_000, 1.82)])
def test_the_price_is_that_of_the_report(units, wider):
    """Intervals wider than the usual ones by these factors, at N*, a fifth and a hundred times of it."""
    assert bound_at(units, tuning=USUAL) / 1.959964 == pytest.approx(wider, abs=0.005)


@given(TUNINGS, st.integers(100, 10**7))
def test_the_bound_is_the_closed_form(tuning, units):
    """`se sqrt(n) sqrt(2 (n rho^2 + 1) / (n rho)^2 ln(sqrt(n rho^2 + 1) / alpha))`; one-sided it is an upper limit."""
    rho2 = tuning.rho_squared
    log = math.log(math.sqrt(units * rho2 + 1) / tuning.alpha)
    if tuning.sides is Sides.ONE:
        log = math.log(1 + math.sqrt(units * rho2 + 1) / (2 * tuning.alpha))

    closed = math.sqrt(units) * math.sqrt(2 * (units * rho2 + 1) / (units**2 * rho2) * log)

    bound = bound_at(units, tuning=tuning)
    if tuning.sides is Sides.ONE:
        assert 0.8 * closed < bound <= closed * (1 + 1e-9)
    else:
        assert bound == pytest.approx(closed)


@given(TUNINGS, st.integers(100, 10**7))
def test_the_e_value_at_the_bound_is_1_over_alpha(tuning, units):
    """So p, bound and interval never contradict each other."""
    log = log_e_value(bound_at(units, tuning=tuning), units=units, tuning=tuning)

    assert log == pytest.approx(-math.log(tuning.alpha), abs=1e-6)


@pytest.mark.parametrize("sides", list(Sides))
@pytest.mark.parametrize("units", [100, 5000, 10**6])
def test_an_e_value_is_1_on_average_where_there_is_no_effect(sides, units):
    """By integration over a normal statistic."""
    tuning = Tuning(units=5000, sides=sides)

    def weighed(z):
        return math.exp(log_e_value(z, units=units, tuning=tuning) + stats.norm.logpdf(z))

    mean, _ = integrate.quad(weighed, -600, 600, points=[-30, 0, 30], limit=2000)

    assert mean == pytest.approx(1, abs=1e-6)


def test_fourteen_looks_without_an_effect_cross_as_rarely_as_the_report_says():
    """About 0.9 % over 14 looks up to N*: the price of being right at every other look, too."""
    assert _crossed(looks=14, units=5000, tuning=USUAL, count=100_000, seed=1) == pytest.approx(
        0.009, abs=0.002
    )


@pytest.mark.parametrize("sides", list(Sides))
def test_a_thousand_looks_do_not_exceed_alpha(sides):
    """Each of 1,000 looks up to 20 N*, 10,000 experiments; the usual bound would be crossed in half of them."""
    tuning = Tuning(units=5000, sides=sides)

    rate = _crossed(looks=1000, units=100_000, tuning=tuning, count=10_000, seed=2)

    assert 0.015 < rate < 0.05


def test_a_one_sided_sequence_ignores_the_other_direction_and_finds_its_own_sooner():
    """Worse by far is never called better; and the bound is lower than the two-sided one."""
    one = Tuning(units=5000, sides=Sides.ONE)

    assert told(follow(_looks((1000, -9.0), (5000, -20.0)), tuning=one)).p_value > 0.5
    assert bound_at(5000, tuning=one) < bound_at(5000, tuning=USUAL)


def test_a_one_sided_sequence_is_tuned_as_a_two_sided_one_of_twice_its_alpha():
    """All of its alpha is on one side."""
    one, two = Tuning(units=700, alpha=0.02, sides=Sides.ONE), Tuning(units=700, alpha=0.04)

    assert one.rho_squared == pytest.approx(two.rho_squared)


def test_p_is_the_least_over_all_looks():
    """GrowthBook's is that of the last look only (report, defect e)."""
    found = told(follow(_looks((1000, 0.5), (3000, 4.2), (5000, 1.0)), tuning=USUAL))

    assert found.crossed_at == 2
    assert found.p_value == pytest.approx(math.exp(-log_e_value(4.2, units=3000, tuning=USUAL)))
    assert found.e_value < 1


@given(
    st.lists(st.tuples(st.integers(1, 10**5), st.floats(-8, 8)), min_size=1, max_size=10),
    st.sampled_from(list(Sides)),
)
def test_p_never_rises_and_is_at_most_alpha_exactly_once_a_bound_was_crossed(pairs, sides):
    """Whatever the looks; those of a few units count for nothing."""
    tuning, before = Tuning(units=5000, sides=sides), 1.0
    looks = _looks(*sorted(pairs))
    for number in range(1, len(looks) + 1):
        found = follow(looks[:number], tuning=tuning)
        if isinstance(found, CannotTell):
            assert (found.code, looks[number - 1].units < 100) == ("EXP091", True)
            continue
        assert found.p_value <= before
        assert (found.p_value <= tuning.alpha) == (found.crossed_at is not None)
        before = found.p_value


def test_real_samples_hold_the_truth_at_every_look():
    """1,000 experiments of skewed values, 20 looks from 200 units on: at most 5 % ever leave out the truth."""
    source, left_out = random_source(4), 0
    at = np.arange(1, 21) * 200
    values = source.exponential(1.0, (1000, at[-1] // 2, 2))
    gaps = values[:, :, 1] - values[:, :, 0]
    for experiment in gaps:
        sums, squares = np.cumsum(experiment), np.cumsum(experiment**2)
        half = at // 2
        mean = sums[half - 1] / half
        error = np.sqrt((squares[half - 1] / half - mean**2) / half)
        bounds = np.array([bound_at(int(each), tuning=USUAL) for each in at])
        left_out += bool((np.abs(mean) > bounds * error).any())

    assert left_out / 1000 < 0.05


def test_an_overwhelming_statistic_stays_finite():
    """Neither infinity nor 0."""
    found = told(follow(_looks((10**6, 1e6)), tuning=USUAL))

    assert math.isfinite(found.e_value)
    assert found.p_value > 0


def test_too_few_units_say_nothing():
    """The guarantee holds for large samples."""
    answer = follow(_looks((99, 50.0)), tuning=USUAL)

    assert isinstance(answer, CannotTell)
    assert answer.code == "EXP091"


@pytest.mark.parametrize("looks", [[], _looks((200, math.nan)), _looks((200, 1.0), (150, 1.0))])
def test_what_is_no_history_is_refused(looks):
    """Units that fall, and statistics that are none."""
    with pytest.raises(ValueError, match="looks"):
        follow(looks, tuning=USUAL)


@pytest.mark.parametrize("wrong", [{"units": 0}, {"units": 10, "alpha": 0.0}, {"units": 10, "alpha": 0.5}])
def test_a_tuning_needs_units_and_an_error_rate(wrong):
    """Both are fixed at design time."""
    with pytest.raises(ValueError, match=r"tuned|alpha"):
        Tuning(**wrong)
