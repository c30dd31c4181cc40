"""How sure is a mean, or a share: intervals for samples that are bounded or small?"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


_DRAWN_ONE_BY_ONE = 5000
"""Values of which every resample is drawn one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its confidence interval."""

    value: float
    low: float
    high: float
    size: int


def mean_interval(
    values: "Sequence[float]", *, seed: int, confidence: float = 0.95, resamples: int = 2000
) -> Interval | None:
    """Return the mean of values in [0, 1], such as recalls, with its interval; None for no values.

    A percentile bootstrap, except where fewer than ten values differ from the common one: there a bootstrap sees
    no variance, and Wilson's score interval is used, which is wide enough for any mean of bounded values
    (their variance never exceeds that of a coin with the same mean).
    """
    import numpy as np

    sample = np.asarray(values, dtype=float)
    if not sample.size:
        return None
    mean = float(sample.mean())
    kinds, counts = np.unique(sample, return_counts=True)
    if sample.size - counts.max() < 10:
        low, high = wilson(mean, sample.size, confidence=confidence)
    else:
        random = np.random.default_rng(seed)
        if sample.size <= _DRAWN_ONE_BY_ONE:
            means = sample[random.integers(sample.size, size=(resamples, sample.size))].mean(axis=1)
        else:  # the same by how often each value is drawn: hours of searches must not become gigabytes
            means = (
                random.multinomial(sample.size, counts / sample.size, size=resamples) @ kinds / sample.size
            )
        tail = (1 - confidence) / 2
        low, high = (float(bound) for bound in np.quantile(means, [tail, 1 - tail]))
    return Interval(value=mean, low=low, high=high, size=int(sample.size))


def wilson(mean: float, size: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share (Wilson 1927)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (mean + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(mean * (1 - mean) / size + z * z / (4 * size * size))
    return max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half))
