"""Random samples and moments that the tests of statistics share; everything follows from a seed."""

from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate, estimate_mean, estimate_ratio
from opsctl.experiments.statistics.moments import Moments, moments_of

Floats = NDArray[np.float64]
T = TypeVar("T")

ESTIMATES = st.builds(
    Estimate,
    value=st.floats(-100, 100).map(lambda value: round(value, 3)),
    variance=st.floats(1e-4, 50),
    n=st.integers(2, 10_000),
    degrees_of_freedom=st.floats(2, 1e6),
)
VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40)


def random_source(seed: int) -> np.random.Generator:
    """Return a source of random numbers."""
    return np.random.Generator(np.random.PCG64(seed))


def told(answer: T | CannotTell) -> T:
    """Return the answer, and fail where there is none."""
    assert not isinstance(answer, CannotTell), answer
    return answer


def mean_of(values: Floats) -> Estimate:
    """Return the mean of values."""
    return told(estimate_mean(moments_of(values)))


def ratio_of(above: Floats, below: Floats) -> Estimate:
    """Return the ratio of sums."""
    return told(estimate_ratio(moments_of(np.column_stack([above, below]))))


def clustered_counts(units: int, *, seed: int, rate: float = 0.3) -> tuple[Floats, Floats]:
    """Return clicks and feeds of units: some come much more often than others, and each has a rate of its own."""
    source = random_source(seed)
    feeds = 1 + source.poisson(source.gamma(2.0, 3.0, units))
    rates = source.beta(rate * 8, (1 - rate) * 8, units)
    return source.binomial(feeds, rates).astype(np.float64), feeds.astype(np.float64)


def with_covariate(units: int, *, seed: int, correlation: float = 0.7) -> Floats:
    """Return values and their pre-period, shape (units, 2)."""
    source = random_source(seed)
    before = source.normal(5, 2, units)
    noise = source.normal(0, 2 * np.sqrt(1 - correlation**2), units)
    return np.column_stack([correlation * (before - 5) + noise + 10, before])


def cut(values: Floats, *, seed: int) -> list[Moments]:
    """Return the moments of values cut into parts, some of them empty, in any order."""
    source = random_source(seed)
    places = np.sort(source.integers(0, len(values) + 1, 4))
    parts = [moments_of(part) for part in np.split(source.permutation(values), places)]
    return [parts[place] for place in source.permutation(len(parts))]
