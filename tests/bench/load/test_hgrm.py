"""The `.hgrm` file is what HdrHistogram's own tools write and read."""

import io

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bench.load.reports import histogram_of

from opsctl.bench.load.hgrm import to_hgrm
from opsctl.bench.load.histogram import LARGEST_MICROSECONDS, Histogram


def _rows(text):
    """Return (value, percentile, count) of each line, as HdrHistogram's plotter reads them."""
    lines = [line.split() for line in text.splitlines()[2:] if not line.startswith("#")]
    return [(float(line[0]), float(line[1]), int(line[2])) for line in lines]


def _theirs(micros):
    histogram = HdrHistogram(1, LARGEST_MICROSECONDS, 3)
    for value in micros:
        histogram.record_value(int(value))
    return histogram


@pytest.fixture
def micros():
    """Give microseconds with a long tail."""
    return np.random.default_rng(3).lognormal(8, 1.5, 5000).astype(int) + 1


def test_the_percentiles_are_those_of_the_java_library(micros):
    """Five steps to each half of the rest, as in its documentation and in wrk2."""
    shares = [share for _, share, _ in _rows(to_hgrm(histogram_of(micros / 1e6)))]

    assert shares[:12] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.775])
    assert shares[-1] == 1
    assert shares == sorted(shares)


def test_values_and_counts_are_those_of_hdrhistogram(micros):
    """At every line the same value as the reference gives for that percentile, and the same count below it."""
    reference = _theirs(micros)

    for value, share, count in _rows(to_hgrm(histogram_of(micros / 1e6))):
        # Their question by percentile rounds the rank to the nearest value, their list by percentile rounds it up.
        lowest, highest = (
            reference.get_value_at_percentile(100 * min(1, share + step / 5000)) for step in (-1, 1)
        )
        assert lowest * 0.999 <= value * 1000 <= highest * 1.001
        assert count >= share * len(micros) - 1e-6


def test_head_and_foot_are_theirs(micros):
    """Byte for byte, but for the count, which their Python writes as a fraction."""
    written = io.BytesIO()
    _theirs(micros).output_percentile_distribution(written, 1000.0)
    theirs, mine = written.getvalue().decode().splitlines(), to_hgrm(histogram_of(micros / 1e6)).splitlines()

    assert mine[:2] == theirs[:2]
    assert mine[-1] == theirs[-1]
    assert mine[-3].startswith("#[Mean    = ")
    assert mine[-2] == f"#[Max     = {micros.max() / 1000:12.3f}, Total count    = {len(micros):12d}]"


def test_an_empty_histogram_is_a_whole_file():
    """A tier that never answered."""
    text = to_hgrm(Histogram())

    assert _rows(text) == []
    assert text.splitlines()[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]


@given(values=st.lists(st.integers(0, 10**7), min_size=1, max_size=60))
@settings(deadline=None)
def test_the_last_line_holds_all_values(values):
    """Counts never fall, and end at the number of values."""
    rows = _rows(to_hgrm(histogram_of(np.array(values) / 1e6)))

    counts = [count for _, _, count in rows]
    assert counts == sorted(counts)
    assert rows[-1][1:] == (1.0, len(values))
