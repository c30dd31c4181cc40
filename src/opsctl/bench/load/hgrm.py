"""How do HdrHistogram's own tools read our latencies: its percentile distribution, `.hgrm`."""

import math
from collections.abc import Iterator

from opsctl.bench.load.histogram import LARGEST_MICROSECONDS, Histogram

_SUB_BUCKETS = 2048
_BUCKETS = LARGEST_MICROSECONDS.bit_length() - _SUB_BUCKETS.bit_length() + 2
"""As HdrHistogram counts them: how often 2,048 slots must double to reach an hour."""

_MICROSECONDS_PER_UNIT = 1000.0
"""Values are written in milliseconds, as most plotters expect."""


def to_hgrm(histogram: Histogram, *, ticks_per_half_distance: int = 5) -> str:
    """Return a histogram as text in the format of HdrHistogram's `outputPercentileDistribution`."""
    lines = [f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}", ""]
    for value, share, count in _steps(histogram, ticks_per_half_distance):
        head = f"{value / _MICROSECONDS_PER_UNIT:12.3f} {share:2.12f} {count:10d}"
        lines.append(head if share >= 1 else f"{head} {1 / (1 - share):14.2f}")
    mean, deviation = _moments(histogram)
    largest = histogram.largest_microseconds / _MICROSECONDS_PER_UNIT
    lines += [
        f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]",
        f"#[Max     = {largest:12.3f}, Total count    = {histogram.count:12d}]",
        f"#[Buckets = {_BUCKETS:12d}, SubBuckets     = {_SUB_BUCKETS:12d}]",
    ]
    return "\n".join(lines) + "\n"


def _steps(histogram: Histogram, ticks: int) -> Iterator[tuple[float, float, int]]:
    """Yield (microseconds, share, values up to there): a line for each step of the percentile, finer with each half."""
    import numpy as np

    counts = histogram.slots()
    if counts is None:
        return
    reached = np.cumsum(counts)
    total, level = int(reached[-1]), 0.0
    for slot in counts.nonzero()[0]:
        here = 100.0 * int(reached[slot]) / total
        while here >= level and level < 100:
            yield _highest_of(int(slot)), level / 100, int(reached[slot])
            if reached[slot] == total:
                yield _highest_of(int(slot)), 1.0, total
                return
            halvings = int(math.log2(100 / (100 - level))) + 1
            level += 100 / (ticks * 2**halvings)


def _highest_of(slot: int) -> float:
    """Return the highest value that a slot holds, as HdrHistogram names it."""
    half = _SUB_BUCKETS // 2
    shift = max(slot // half - 1, 0)
    return float(((slot - shift * half + 1) << shift) - 1)


def _moments(histogram: Histogram) -> tuple[float, float]:
    """Return mean and standard deviation in milliseconds; zeros when empty."""
    if not histogram.count:
        return 0.0, 0.0
    mean = histogram.mean_microseconds
    squares = sum(count * (value - mean) ** 2 for value, count in histogram.occupied())
    return mean / _MICROSECONDS_PER_UNIT, math.sqrt(squares / histogram.count) / _MICROSECONDS_PER_UNIT
