"""Scales and sparklines: every value inside, round ticks, labels apart."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.ui.scales import (
    SIDE,
    Tick,
    count_scale,
    decade_bounds,
    duration_scale,
    percentile_scale,
    spread,
    time_scale,
)
from opsctl.ui.sparkline import sparkline

SECONDS = st.floats(1e-6, 3600)


@given(values=st.lists(SECONDS, min_size=1, max_size=20))
def test_durations_lie_inside_their_scale_and_grow_upward(values):
    """From a microsecond to an hour, with at least two ticks."""
    scale = duration_scale(values)

    places = [scale.place(value) for value in sorted(values)]
    assert all(-1e-6 <= place <= SIDE + 1e-6 for place in places)
    assert places == sorted(places, reverse=True)
    assert 2 <= len(scale.ticks) <= 10
    assert all(-0.1 <= tick.percent <= 100.1 for tick in scale.ticks)


@given(values=st.lists(st.floats(0, 1e6), max_size=20))
def test_counts_lie_inside_their_scale(values):
    """Nothing is drawn above the top."""
    scale = count_scale(values)

    assert all(0 <= scale.place(value) <= SIDE for value in values)


@given(seconds=st.floats(0.5, 7 * 86400))
def test_time_has_a_readable_number_of_ticks(seconds):
    """From half a second to a week."""
    ticks = time_scale(seconds).ticks

    assert 1 <= len(ticks) <= 8
    assert ticks[0].label == "0"
    assert all(tick.percent <= 100.0001 for tick in ticks)


def test_nines_are_equally_far_apart():
    """p90 to p99 as far as p99 to p99.9."""
    place = percentile_scale().place

    assert place(0.99) - place(0.9) == pytest.approx(place(0.999) - place(0.99))
    assert [place(0.5), place(0.9999)] == pytest.approx([0, SIDE])


@given(places=st.lists(st.floats(0, 100), max_size=6))
def test_labels_keep_their_distance_and_stay_inside(places):
    """Where there is room for all of them."""
    moved = spread([Tick(percent=place, label=str(place)) for place in places], distance=12)

    ordered = sorted(tick.percent for tick in moved)
    assert all(after - before >= 12 - 1e-9 for before, after in pairwise(ordered))
    assert all(tick.percent <= 100 + 1e-9 for tick in moved)


def test_bounds_of_nothing_are_bounds():
    """A chart without figures still has an axis."""
    low, high = decade_bounds([])

    assert 0 < low < high


def test_what_takes_days_stands_at_the_upper_edge():
    """Where every value is beyond the last step, the axis still has a length."""
    scale = duration_scale([200_000.0, 400_000.0])

    assert scale.place(200_000.0) == 0.0
    assert len(scale.ticks) > 1


@given(values=st.lists(st.none() | st.floats(0, 1e9), max_size=200), width=st.integers(1, 80))
def test_a_sparkline_fits_and_shows_the_largest(values, width):
    """Never wider than asked; the largest value has the tallest bar."""
    drawn = sparkline(values, width=width, floor=0)

    known = [value for value in values if value is not None]
    assert len(drawn) == min(len(values), width)
    if known and max(known) > 0 and math.isfinite(max(known)):
        assert any(mark in drawn for mark in "█▅")
    if not known:
        assert set(drawn) <= {"·"}
