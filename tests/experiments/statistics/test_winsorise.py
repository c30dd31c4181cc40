"""One cap for all arms, and what a cap may not do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.statistics.samples import mean_of, random_source, told

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare
from opsctl.experiments.statistics.winsorise import Cap, cap_from, pooled_cap, winsorised


def test_the_cap_is_a_quantile_of_the_units_of_all_arms():
    """The smallest value with 99 % at or below it, as `quantile_disc` in SQL."""
    assert told(pooled_cap(np.arange(1.0, 1001.0), level=0.99)) == Cap(value=990.0, level=0.99, n=1000)


@pytest.mark.slow
@given(st.lists(st.floats(0, 1e9), min_size=200, max_size=300))
def test_nothing_is_above_the_cap_and_nothing_else_is_changed(values):
    """Once capped, capping again changes nothing."""
    numbers = np.array(values)
    cap = pooled_cap(numbers, level=0.99)
    if isinstance(cap, CannotTell):
        assert cap.code == "EXP096"
        return

    capped = winsorised(numbers, cap)

    assert capped.max() == cap.value
    assert np.array_equal(capped[numbers <= cap.value], numbers[numbers <= cap.value])
    assert np.array_equal(winsorised(capped, cap), capped)


def test_a_cap_finds_what_a_few_extreme_units_hide():
    """A lift of 20 % on values with a tail that hardly ends: twenty times of twenty with the cap, hardly ever without."""
    found = {"plain": 0, "capped": 0}
    for seed in range(20):
        source = random_source(seed)
        control, treatment = source.pareto(1.3, 5000), 1.2 * source.pareto(1.3, 5000)
        cap = told(pooled_cap(np.concatenate([control, treatment]), level=0.98))
        for name, pair in (
            ("plain", (control, treatment)),
            ("capped", (winsorised(control, cap), winsorised(treatment, cap))),
        ):
            found[name] += told(compare(control=mean_of(pair[0]), treatment=mean_of(pair[1]))).p_value < 0.05

    assert found["capped"] >= 19
    assert found["plain"] <= 10


@pytest.mark.parametrize(
    ("values", "code"),
    [([], "EXP080"), ([1.0] * 50, "EXP096"), ([0.0] * 995 + [9.0] * 5, "EXP096"), ([-5.0] * 1000, "EXP096")],
)
def test_a_cap_that_would_do_nothing_or_leave_nothing_is_none(values, code):
    """Nobody, too few units, nearly all 0."""
    answer = pooled_cap(np.array(values), level=0.99)

    assert isinstance(answer, CannotTell)
    assert answer.code == code


@pytest.mark.parametrize(("value", "level"), [(math.nan, 0.99), (1.0, 0.5), (1.0, 1.0)])
def test_what_is_no_cap_is_refused(value, level):
    """A lower quantile would cut off half the metric."""
    with pytest.raises(ValueError, match="no cap"):
        cap_from(value=value, level=level, n=1000)


def test_a_value_that_is_not_finite_is_refused():
    """An infinite value would be hidden by the cap."""
    with pytest.raises(ValueError, match="NaN"):
        pooled_cap(np.array([1.0, math.inf]), level=0.99)
