import math
import pickle
from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.bench.load.histogram import LARGEST_MICROSECONDS, Histogram, middle_of, slot_of, slots_of

VALUES = st.lists(
    st.one_of(st.integers(0, 5000), st.integers(0, LARGEST_MICROSECONDS)), min_size=1, max_size=300
)
SHARES = st.sampled_from([0.001, 0.1, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0])


def recorded(values: list[int]) -> Histogram:
    """Return a histogram of these values."""
    made = Histogram()
    made.record_many(np.array(values, dtype=np.float64))
    return made


@given(values=VALUES, share=SHARES)
def test_a_quantile_is_within_a_thousandth_of_the_value_at_that_rank(values: list[int], share: float) -> None:
    """The same rank of the sorted sample is the truth."""
    truth = sorted(values)[max(1, math.ceil(share * len(values))) - 1]

    assert recorded(values).value_at(share) == pytest.approx(truth, rel=1 / 1024, abs=0.51)


@settings(max_examples=30)
@given(values=VALUES, share=SHARES)
def test_it_agrees_with_hdrhistogram(values: list[int], share: float) -> None:
    """The well-known library puts the value of the same rank into a slot of the same size."""
    oracle = HdrHistogram(1, LARGEST_MICROSECONDS, 3)
    for value in values:
        oracle.record_value(max(1, value))
    rank = max(1, math.ceil(share * len(values)))

    theirs = oracle.get_value_at_percentile(100 * (rank - 0.4) / len(values))

    assert recorded(values).value_at(share) == pytest.approx(theirs, rel=2 / 1024, abs=1.01)
    assert recorded(values).count == oracle.get_total_count()


@given(values=VALUES)
def test_counts_means_and_maxima_are_exact(values: list[int]) -> None:
    """Only the place within a slot is given up."""
    made = recorded(values)

    assert (made.count, made.sum_microseconds, made.largest_microseconds) == (
        len(values),
        sum(values),
        max(values),
    )
    assert sum(count for _, count in made.occupied()) == len(values)
    assert made.value_at(1.0) <= max(values)


@given(one=VALUES, other=VALUES)
def test_merging_is_recording_together(one: list[int], other: list[int]) -> None:
    """Two histograms joined equal one of all values, packed or not, and in either order."""
    joined, turned = recorded(one), recorded(other)
    turned.pack()

    joined.merge(turned)
    turned.merge(recorded(one))

    assert joined == recorded([*one, *other]) == turned


@given(values=VALUES)
def test_nothing_is_lost_on_the_way_through_json_or_a_pipe(values: list[int]) -> None:
    """The sparse form and the pickled one hold everything."""
    made = recorded(values)

    assert Histogram.from_sparse(made.to_sparse()) == made
    for histogram in (made, Histogram()):
        assert pickle.loads(pickle.dumps(histogram)) == histogram  # noqa: S301 - its own


@given(value=st.integers(0, LARGEST_MICROSECONDS))
def test_one_slot_and_many_slots_agree(value: int) -> None:
    """A value lies within its slot, whose middle is within a thousandth of it."""
    assert slots_of(np.array([value]))[0] == slot_of(value)
    assert middle_of(slot_of(value)) == pytest.approx(value, rel=1 / 1024, abs=0.51)


def test_values_outside_are_kept_at_the_edge() -> None:
    """Negative times (a clock's rounding) count as nothing, endless ones as an hour."""
    made = recorded([-5, 2 * LARGEST_MICROSECONDS])

    assert (made.value_at(0.5), made.largest_microseconds, made.count) == (0, LARGEST_MICROSECONDS, 2)


def test_an_empty_histogram_has_no_quantile() -> None:
    """There is no number to show, and none is made up."""
    assert math.isnan(Histogram().value_at(0.5))
    assert math.isnan(Histogram().mean_microseconds)
    assert math.isnan(Histogram().share_above(3))
    assert Histogram().estimate(0.5) is None


def test_a_tail_is_shown_only_where_the_sample_supports_it() -> None:
    """p99 needs 368 values before it has an interval."""
    values = list(range(10_000, 10_000 + 400))

    assert recorded(values[:300]).estimate(0.99) is None
    estimate = recorded(values).estimate(0.99)
    assert estimate is not None
    assert estimate.low <= estimate.value <= estimate.high


HOSTILE: list[dict[str, Any]] = [
    {},
    {"indices": [1], "counts": [], "total": 0, "largest": 0},
    {"indices": [-1], "counts": [1], "total": 0, "largest": 0},
    {"indices": [10**9], "counts": [1], "total": 0, "largest": 0},
    {"indices": [10**30], "counts": [1], "total": 0, "largest": 0},
    {"indices": [1, 1], "counts": [1, 1], "total": 2, "largest": 1},
    {"indices": [1], "counts": [-1], "total": 2, "largest": 1},
    {"indices": [1.5], "counts": [1], "total": 2, "largest": 1},
    {"indices": ["x"], "counts": [1], "total": 2, "largest": 1},
    {"indices": [[1]], "counts": [[1]], "total": 2, "largest": 1},
    {"indices": [1, 2], "counts": [2**62, 2**62], "total": 2, "largest": 1},
    {"indices": [1], "counts": [1], "total": "much", "largest": 1},
    {"indices": [1], "counts": [1], "total": -2, "largest": 1},
    {"indices": [1], "counts": [1], "total": 1, "largest": 10**12},
    {"indices": None, "counts": None, "total": 1, "largest": 1},
    {"indices": 5, "counts": 5, "total": 1, "largest": 1},
]


@pytest.mark.parametrize("sparse", HOSTILE)
def test_what_is_no_histogram_is_refused(sparse: dict[str, Any]) -> None:
    """A damaged or forged file never becomes a histogram."""
    with pytest.raises(ValueError, match=r"histogram|slot|belong"):
        Histogram.from_sparse(sparse)
