"""Ranks: exact while few numbers differ, close and independent of order beyond."""

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.catalog import percentile
from opsctl.catalog.percentile import PercentileCounter

NUMBERS = st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=200)


def _counted(values: list[float]) -> PercentileCounter:
    counter = PercentileCounter()
    for value in values:
        counter.add(value)
    return counter


@given(NUMBERS)
def test_the_rank_is_the_share_of_numbers_at_most_as_large(values: list[float]) -> None:
    """Against the definition, for each number that was counted."""
    ranks, ordered = _counted(values).ranks(), sorted(values)

    for value in values:
        assert ranks.share_at_most(value) == bisect_right(ordered, value) / len(values)


@given(NUMBERS)
def test_the_largest_number_has_rank_one_and_order_is_kept(values: list[float]) -> None:
    """A larger number never has a smaller rank."""
    ranks = _counted(values).ranks()
    shares = [ranks.share_at_most(value) for value in sorted(values)]

    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_nothing_counted_has_rank_zero() -> None:
    """An empty column gives no quality."""
    assert PercentileCounter().ranks().share_at_most(3) == 0


def test_many_distinct_numbers_take_bounded_memory_and_stay_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for 500 distinct numbers, ranks of 20,000 are within one percent, in whatever order they came."""
    monkeypatch.setattr(percentile, "_MOST_DISTINCT_VALUES", 500)
    values = [1000 + number * 0.731 for number in range(20_000)]

    upward, downward = _counted(values), _counted(values[::-1])

    assert len(upward._counts) <= 500
    assert upward.ranks() == downward.ranks()
    worst = max(
        abs(upward.ranks().share_at_most(values[place]) - (place + 1) / 20_000)
        for place in range(0, 20_000, 997)
    )
    assert worst < 0.01
