"""Blocks that resemble their neighbours do not make a comparison surer than it is."""

import numpy as np
import pytest
from tests.bench.load.made_up import correlated

from opsctl.bench.load.block_statistics import (
    bootstrap_shift,
    dependence_of,
    log_quantile,
    rank_shift,
    ratio_of_sums,
    student,
)


def shift_of(first, second, *, is_paired, confidence=0.95):
    """Compare the means of two rows."""
    one, two = (ratio_of_sums(row, np.ones(len(row))) for row in (first, second))
    return bootstrap_shift(one, two, series=(first, second), is_paired=is_paired, confidence=confidence)


@pytest.mark.slow
@pytest.mark.parametrize("is_paired", [True, False], ids=["paired", "apart"])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.7])
def test_the_interval_holds_no_difference_as_often_as_it_says(correlation, is_paired):
    """Of 150 pairs of equal rows at 95 %, about 8 may be called different; 20 would be beyond one chance in 10,000."""
    random = np.random.default_rng(5)
    different = 0
    for _ in range(150):
        rows = [correlated(random, 60, correlation=correlation) for _ in range(2)]
        found = shift_of(*rows, is_paired=is_paired)
        different += found.low > 0 or found.high < 0

    assert different <= 20


def test_dependence_is_found_where_there_is_some():
    """Independent blocks count whole; those that resemble each other much less."""
    random = np.random.default_rng(2)
    alone = np.mean([dependence_of(random.standard_normal(60)) for _ in range(50)])
    together = np.mean([dependence_of(correlated(random, 60, correlation=0.8)) for _ in range(50)])

    assert 1 <= alone < 1.7
    assert 4 < together < 15  # (1 + 0.8) / (1 - 0.8) = 9


@pytest.mark.parametrize(
    "row", [[], [1.0] * 9, [2.0] * 40, [np.nan] * 40], ids=["none", "few", "flat", "nan"]
)
def test_rows_that_say_nothing_depend_on_nothing(row):
    """No division by a variance that is not there."""
    assert dependence_of(np.array(row)) == 1.0


def test_students_quantiles_are_those_of_the_tables():
    """Also where there are very few degrees of freedom."""
    table = {(0.95, 1): 12.706, (0.95, 2): 4.303, (0.99, 2): 9.925, (0.95, 10): 2.228, (0.99, 59): 2.662}

    assert {key: student(key[0], freedom=key[1]) for key in table} == pytest.approx(table, rel=1e-3)


def test_below_ten_blocks_nothing_is_said():
    """A bootstrap of nine blocks is too sure of itself."""
    assert shift_of(np.arange(9.0), np.arange(9.0), is_paired=True) is None


def test_a_quantile_of_weighted_blocks_is_that_of_their_values():
    """Weights say how often each block was drawn."""
    statistic = log_quantile(np.array([[10.0, 0.0], [0.0, 10.0]]), np.log([1.0, 2.0]), 0.5)

    assert np.exp(statistic(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 3.0]]))).tolist() == [1.0, 2.0, 2.0]


def test_nothing_drawn_is_no_quantile():
    """Blocks without answers, and no slots at all."""
    assert np.isnan(log_quantile(np.zeros((2, 3)), np.zeros(3), 0.5)(np.ones((1, 2)))).all()
    assert np.isnan(log_quantile(np.zeros((2, 0)), np.zeros(0), 0.5)(np.ones((1, 2)))).all()


def test_ranks_are_less_sure_when_blocks_depend_on_each_other():
    """The same rows, the same direction, a larger p."""
    first, second = np.arange(20.0), np.arange(20.0) + 8
    alone, together = rank_shift(first, second), rank_shift(first, second, dependence=4.0)

    assert alone is not None
    assert together is not None
    assert alone.superiority == together.superiority > 0.8
    assert alone.p_value < 0.01 < together.p_value
    assert rank_shift(first, np.array([np.nan])) is None
