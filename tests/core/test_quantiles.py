"""Quantiles and their exact intervals."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.core.quantiles import estimate_quantile, order_statistic_ranks, quantile

samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200).map(sorted)


@given(samples, st.floats(0, 1))
def test_quantile_lies_within_the_sample(sample, share):
    """A quantile is never below the least nor above the greatest value."""
    assert sample[0] <= quantile(sample, share) <= sample[-1]


@given(samples, st.floats(0, 1), st.floats(0, 1))
def test_quantile_grows_with_its_share(sample, one, other):
    """A larger share has a quantile that is not smaller."""
    low, high = sorted((one, other))

    assert quantile(sample, low) <= quantile(sample, high) or math.isclose(
        quantile(sample, low), quantile(sample, high)
    )


def test_quantile_agrees_with_numpy():
    """The definition is NumPy's default, so that figures can be checked by anyone."""
    import numpy as np

    sample = sorted(random.Random(1).gauss(0, 1) for _ in range(57))

    assert [quantile(sample, share) for share in (0.01, 0.5, 0.95, 0.99)] == pytest.approx(
        [float(np.quantile(sample, share)) for share in (0.01, 0.5, 0.95, 0.99)]
    )


def test_an_empty_sample_has_no_quantile():
    """Nothing was measured, so nothing can be said."""
    with pytest.raises(ValueError, match="empty sample"):
        quantile([], 0.5)


@pytest.mark.parametrize(
    ("size", "share", "ranks"),
    [
        # Binomial(10, 0.5) leaves 1.07 % outside ranks 2 and 9 on each side (Conover 1999, table A3).
        (10, 0.5, (2, 9)),
        (100, 0.5, (40, 61)),
    ],
)
def test_ranks_of_the_median_are_those_of_the_textbooks(size, share, ranks):
    """The interval of a median has the ranks that tables give."""
    assert order_statistic_ranks(size, share) == ranks


@pytest.mark.parametrize(("share", "enough"), [(0.5, 6), (0.95, 72), (0.99, 368), (0.999, 3688)])
def test_a_tail_is_shown_only_where_the_sample_supports_it(share, enough):
    """One value less than needed, and there is no interval and so no figure."""
    assert estimate_quantile([float(value) for value in range(enough - 1)], share) is None
    assert estimate_quantile([float(value) for value in range(enough)], share) is not None


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_intervals_cover_the_truth_as_often_as_they_claim(share):
    """Over many samples of a known distribution, at least 95 % of the intervals hold the true quantile."""
    source = random.Random(20261122)
    covered = 0
    for _ in range(400):
        estimate = estimate_quantile(sorted(source.random() for _ in range(600)), share)
        assert estimate is not None
        covered += estimate.low <= share <= estimate.high

    # Exact coverage is at least 0.95; three standard errors of 400 trials below that is 0.917.
    assert covered / 400 > 0.917
