"""Interactions of two experiments against regression and simulation."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from tests.experiments.statistics.samples import ESTIMATES, mean_of, random_source, told

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.statistics.interaction import Cells, interaction_of, screen

NOBODY = CannotTell(code="EXP080", because="it has no units")


def _units(*, seed, joint=0.0, count=400):
    """Return values and both assignments: each treatment adds 1, both together `joint` more, with unequal spread."""
    source = random_source(seed)
    first, second = source.integers(0, 2, (2, count))
    return first + second + joint * first * second + source.normal(0, 1 + second, count), first, second


def _cells(values, first, second):
    groups = {
        name: mean_of(values[(first == a) & (second == b)])
        for name, a, b in (("neither", 0, 0), ("first", 1, 0), ("second", 0, 1), ("both", 1, 1))
    }
    return Cells(**groups)


@pytest.mark.parametrize("seed", range(5))
def test_an_interaction_is_that_of_a_regression_with_errors_of_unequal_spread(seed):
    """Coefficient and HC2 error of statsmodels, which are the same in a design of four groups."""
    values, first, second = _units(seed=seed)
    oracle = sm.OLS(values, np.column_stack([np.ones(400), first, second, first * second])).fit(
        cov_type="HC2"
    )

    found = told(interaction_of(_cells(values, first, second)))

    assert found.value == pytest.approx(oracle.params[3])
    assert found.error == pytest.approx(oracle.bse[3])
    assert found.interval.low < found.value < found.interval.high


@given(ESTIMATES, ESTIMATES, ESTIMATES, ESTIMATES)
def test_it_does_not_matter_which_experiment_is_called_the_first(neither, first, second, both):
    """To the last digit but for rounding; and the control and treatment of both may be swapped."""
    found = told(interaction_of(Cells(neither=neither, first=first, second=second, both=both)))

    for other in (
        Cells(neither=neither, first=second, second=first, both=both),
        Cells(neither=both, first=first, second=second, both=neither),
    ):
        again = told(interaction_of(other))
        assert (again.value, again.p_value) == pytest.approx((found.value, found.p_value), abs=1e-9)


def test_one_pair_that_interacts_is_found_among_many_and_no_other():
    """One of 15 pairs; by Holm over all of them, in 20 worlds at most one false alarm."""
    false_alarms = 0
    for seed in range(20):
        pairs = {(f"e{number}", "x"): _cells(*_units(seed=100 * seed + number)) for number in range(14)}
        pairs["guilty", "x"] = _cells(*_units(seed=100 * seed + 14, joint=2.0))

        found = screen(pairs)

        assert found["guilty", "x"].is_found
        false_alarms += sum(each.is_found for pair, each in found.items() if pair != ("guilty", "x"))
        assert all(each.adjusted_p >= told(each.interaction).p_value for each in found.values())

    assert false_alarms <= 3


def test_a_group_of_nobody_says_why_and_still_counts():
    """It cannot be found, and the others are not judged more mildly for it."""
    values, first, second = _units(seed=1, joint=2.0)
    whole = _cells(values, first, second)
    broken = Cells(neither=whole.neither, first=whole.first, second=NOBODY, both=whole.both)

    found = screen({("a", "b"): whole, ("a", "c"): broken})

    assert isinstance(reason := found["a", "c"].interaction, CannotTell)
    assert reason.code == "EXP092"
    assert (found["a", "c"].adjusted_p, found["a", "c"].is_found) == (1.0, False)
    assert found["a", "b"].adjusted_p == pytest.approx(2 * told(found["a", "b"].interaction).p_value)


def test_groups_in_which_all_are_alike_say_nothing():
    """No variance in any of the four."""
    same = Estimate(value=1.0, variance=0.0, n=50, degrees_of_freedom=49)

    answer = interaction_of(Cells(neither=same, first=same, second=same, both=same))

    assert isinstance(answer, CannotTell)
    assert answer.code == "EXP082"


def test_no_pairs_are_no_error():
    """One experiment runs alone."""
    assert screen({}) == {}
