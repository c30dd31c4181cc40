"""Quantiles of events in units against brute force, DuckDB, the bootstrap and simulation."""

import math

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.statistics.samples import random_source, told

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.quantile import (
    QuantileStatistics,
    estimate_quantile,
    outer_levels,
    quantile_statistics,
)


def _latencies(units, *, seed):
    """Return values and owners: each unit has a speed of its own, some have many more events."""
    source = random_source(seed)
    events = 1 + source.poisson(source.gamma(2.0, 4.0, units))
    owners = np.repeat(np.arange(units), events)
    return np.exp(source.normal(0, 0.5, units)[owners] + source.normal(0, 0.5, len(owners))), owners


def test_the_value_at_a_level_is_that_of_the_warehouse():
    """`quantile_disc` of DuckDB, also at the two outer levels."""
    values, owners = _latencies(300, seed=1)
    found = told(quantile_statistics(values, owners, level=0.9))
    low, high = told(outer_levels(found.moments, level=0.9))

    with duckdb.connect() as connection:
        query = f"select quantile_disc(v, [0.9, {low!r}, {high!r}]) from (select unnest(?::double[]) as v)"  # noqa: S608 - numbers
        row = connection.execute(query, [values.tolist()]).fetchone()

    assert row is not None
    assert tuple(row[0]) == (found.value, found.low, found.high)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_the_value_is_the_smallest_with_enough_events_at_or_below_it(values, level):
    """By its definition, whatever the ties."""
    numbers = np.array(values, dtype=float)
    found = quantile_statistics(np.repeat(numbers, 50), np.arange(50 * len(numbers)), level=level)
    if isinstance(found, CannotTell):
        return

    assert np.mean(numbers <= found.value) >= level - 1e-12
    assert np.mean(numbers < found.value) < level


def test_units_of_one_event_have_the_error_of_the_textbook():
    """`sqrt(p (1 - p) / n) / density` of a normal sample of 10,000: the mean of 20 errors within 5 %."""
    samples = random_source(2).normal(0, 1, (20, 10_000))

    estimates = [
        told(estimate_quantile(told(quantile_statistics(values, np.arange(10_000), level=0.9))))
        for values in samples
    ]

    density = math.exp(-(1.2816**2) / 2) / math.sqrt(2 * math.pi)
    expected = math.sqrt(0.09 / 10_000) / density
    assert np.mean([each.value for each in estimates]) == pytest.approx(
        1.2816, abs=4 * expected / math.sqrt(20)
    )
    assert np.mean([each.error for each in estimates]) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_error_is_that_of_a_bootstrap_of_units(level):
    """600 draws of 500 units with replacement, within 15 %; a bootstrap of events would say half as much."""
    values, owners = _latencies(500, seed=3)
    estimate = told(estimate_quantile(told(quantile_statistics(values, owners, level=level))))
    source, by_unit = random_source(4), [values[owners == unit] for unit in range(500)]

    drawn = [
        np.quantile(np.concatenate([by_unit[unit] for unit in source.integers(0, 500, 500)]), level)
        for _ in range(600)
    ]

    assert estimate.error == pytest.approx(np.std(drawn), rel=0.15)
    alone = told(estimate_quantile(told(quantile_statistics(values, np.arange(len(values)), level=level))))
    assert alone.error < 0.7 * estimate.error


def test_intervals_hold_the_truth():
    """1,000 pairs of arms of 200 units without an effect: 95 % within four standard errors."""
    held = 0
    for seed in range(1000):
        arms = [
            told(
                estimate_quantile(
                    told(quantile_statistics(*_latencies(200, seed=10_000 + 2 * seed + arm), level=0.75))
                )
            )
            for arm in (0, 1)
        ]
        held += 0 in told(compare(control=arms[0], treatment=arms[1])).interval

    assert held / 1000 == pytest.approx(0.95, abs=0.0276)


@given(st.sampled_from([0.001, 2.0, 1e6]), st.floats(-100, 100), st.integers(0, 20))
def test_a_quantile_follows_shift_and_scale(factor, shift, seed):
    """Seconds or milliseconds; and in any order of events."""
    values, owners = _latencies(100, seed=seed)
    plain = told(estimate_quantile(told(quantile_statistics(values, owners, level=0.75))))
    order = random_source(seed).permutation(len(values))

    moved = told(
        estimate_quantile(
            told(quantile_statistics((factor * (values + shift))[order], owners[order], level=0.75))
        )
    )

    assert moved.value == pytest.approx(factor * (plain.value + shift))
    assert moved.error == pytest.approx(factor * plain.error, rel=1e-6)


@pytest.mark.parametrize(
    ("values", "level", "code"),
    [
        ([], 0.5, "EXP080"),
        ([1.0], 0.5, "EXP081"),
        (list(range(100)), 0.99, "EXP087"),
        (list(range(100)), 0.01, "EXP087"),
    ],
)
def test_what_cannot_be_told_has_its_reason(values, level, code):
    """No events, one unit, a level too far out for the number of units."""
    answer = quantile_statistics(np.array(values, dtype=float), np.arange(len(values)), level=level)

    assert isinstance(answer, CannotTell)
    assert answer.code == code


def test_events_that_are_all_alike_have_no_error():
    """A quantile that stands on a step would be exact to the last digit, and any difference significant."""
    values = np.repeat([1.0, 2.0, 3.0], [100, 800, 100])

    answer = estimate_quantile(told(quantile_statistics(values, np.arange(1000), level=0.5)))

    assert isinstance(answer, CannotTell)
    assert answer.code == "EXP088"


@pytest.mark.parametrize("values", [(2.0, 1.0, 3.0), (1.0, 2.0, math.nan), (-math.inf, 1.0, 2.0)])
def test_values_out_of_order_are_refused(values):
    """A warehouse that mixes up its passes is told."""
    moments = moments_of(random_source(1).integers(1, 5, (50, 2)).astype(float))
    low, value, high = values

    with pytest.raises(ValueError, match="no quantile"):
        estimate_quantile(QuantileStatistics(level=0.5, value=value, low=low, high=high, moments=moments))


def test_a_value_that_is_not_finite_is_refused():
    """It would be a quantile sooner or later."""
    with pytest.raises(ValueError, match="NaN"):
        quantile_statistics(np.array([1.0, math.inf]), np.arange(2), level=0.5)


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_a_level_lies_between_0_and_1(level):
    """The least and the greatest have no error of this kind."""
    with pytest.raises(ValueError, match="level"):
        outer_levels(moments_of(np.ones((3, 2))), level=level)
