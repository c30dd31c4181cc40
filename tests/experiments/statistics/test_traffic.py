"""How many different units come, against simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.experiments.statistics.samples import random_source

from opsctl.experiments.statistics.traffic import Traffic, days_until, everybody, reached

TRAFFIC = st.builds(
    lambda daily, factor, evenness: Traffic(
        daily=daily, population=factor and daily * factor, evenness=evenness
    ),
    daily=st.floats(1, 1e5),
    factor=st.one_of(st.none(), st.floats(1.01, 100)),
    evenness=st.sampled_from([0.3, 1.0, 5.0, math.inf]),
)


@pytest.mark.parametrize("evenness", [0.5, 2.0, math.inf])
def test_those_who_come_again_are_counted_once(evenness):
    """10,000 readers of whom 1,500 come on a day, simulated for 30 days: within 2 %."""
    source = random_source(1)
    rates = np.ones(10_000) if math.isinf(evenness) else source.gamma(evenness, 1 / evenness, 10_000)
    # the rate at which 1,500 different ones come on the first day
    low, high = 0.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(-np.expm1(-middle * rates)) < 0.15 else (low, middle)
    visits = source.random((30, 10_000)) < -np.expm1(-low * rates)
    seen = np.cumsum(visits, axis=0) > 0

    traffic = Traffic(daily=1500, population=10_000, evenness=evenness)

    for day in (1, 7, 14, 30):
        assert reached(traffic, day) == pytest.approx(seen[day - 1].sum(), rel=0.02)


@given(TRAFFIC, st.floats(0.1, 300))
def test_days_and_units_fit_each_other(traffic, days):
    """Each is the inverse of the other, and more days bring no fewer."""
    units = reached(traffic, days)

    assert units <= (traffic.population or math.inf)
    assert reached(traffic, 1) == pytest.approx(traffic.daily)
    assert reached(traffic, days + 1) >= units
    if traffic.population is None or units < 0.999 * traffic.population:
        assert days_until(traffic, units) == pytest.approx(days, rel=1e-6)


@given(TRAFFIC.filter(lambda traffic: traffic.population is not None), st.floats(1.5, 100))
def test_uneven_readers_are_met_later(traffic, days):
    """With the same number on the first day."""
    even = Traffic(daily=traffic.daily, population=traffic.population)

    assert reached(traffic, days) <= reached(even, days) * (1 + 1e-9)


def test_a_population_has_an_end():
    """More than there are never come."""
    traffic = Traffic(daily=100, population=1000)

    assert days_until(traffic, 1000) == math.inf
    assert days_until(traffic, 0) == 0
    assert reached(traffic, 10_000) == pytest.approx(1000)


def test_everybody_is_there_on_the_first_day():
    """... and nobody else comes later."""
    traffic = everybody(500)

    assert (reached(traffic, 1), reached(traffic, 50)) == (500, 500)
    assert (days_until(traffic, 500), days_until(traffic, 501)) == (1, math.inf)


@pytest.mark.parametrize(
    "wrong",
    [
        {"daily": 0},
        {"daily": math.nan},
        {"daily": 10, "population": 9},
        {"daily": 10, "population": math.inf},
        {"daily": 10, "evenness": 0},
    ],
)
def test_what_is_no_traffic_is_refused(wrong):
    """Nobody, or more on a day than there are."""
    with pytest.raises(ValueError, match="come"):
        Traffic(**wrong)
