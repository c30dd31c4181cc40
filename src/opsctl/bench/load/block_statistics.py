"""How far apart are two rows of blocks, and how sure is that, when neighbouring blocks resemble each other."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

from opsctl.vectors.statistics import MINIMUM_BLOCKS, mann_whitney

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1000
_SEED = 20_260_111


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """second - first of something, with its interval; of logarithms, where it stands for a ratio."""

    value: float
    low: float
    high: float
    dependence: float
    """By how much the variance was raised because neighbouring blocks resemble each other; 1 when they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankShift:
    """Whether blocks of the second side tend to be larger: Mann and Whitney's test and its effect size."""

    p_value: float
    superiority: float
    """P(a block of the second side > one of the first) + half of P(equal)."""


Statistic = Callable[["np.ndarray"], "np.ndarray"]
"""Weights of shape (resamples, groups) in, one value a resample out."""


def bootstrap_shift(
    first: Statistic,
    second: Statistic,
    *,
    series: tuple["np.ndarray", "np.ndarray"],
    is_paired: bool,
    confidence: float,
) -> Shift | None:
    """Return second - first with a block bootstrap interval; None below `MINIMUM_BLOCKS` blocks a side.

    Whole blocks are drawn, the same of both sides where they are paired. A percentile interval is too short for two
    reasons, and is widened for both: blocks that resemble their neighbours (`dependence_of`), and few of them, or few
    that count (Student's t with the number of independent blocks). Sources: Kuensch (1989); Efron and Tibshirani (1993), 13.3.

    Args:
        first: the statistic of the first side, by weights of its blocks.
        second: the same of the second side.
        series: the statistic of each block alone, of both sides; tells how much neighbours resemble each other.
        is_paired: block i of both sides saw the same plan or the same moment.
        confidence: of the interval.
    """
    import numpy as np

    sizes = [len(each) for each in series]
    if min(sizes) < MINIMUM_BLOCKS:
        return None
    random = np.random.default_rng(_SEED)
    drawn = [_weights(random, size) for size in sizes]
    if is_paired:
        drawn[1] = drawn[0]
    value = float((second(np.ones((1, sizes[1]))) - first(np.ones((1, sizes[0]))))[0])
    shifts = second(drawn[1]) - first(drawn[0])
    if not (math.isfinite(value) and np.isfinite(shifts).all()):
        return None
    rows = (series[1] - series[0],) if is_paired else series
    dependence = dependence_of(*rows)
    independent = max(2, math.floor(min(sizes) / dependence))
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    widened = math.sqrt(dependence) * student(confidence, freedom=independent - 1) / z
    tail = (1 - confidence) / 2
    low, high = np.quantile(shifts, [tail, 1 - tail])
    # Quantiles of counts are discrete: an interval of one value must not look exact, nor leave its estimate outside.
    return Shift(
        value=value,
        low=value - max(0.0, value - float(low)) * widened,
        high=value + max(0.0, float(high) - value) * widened,
        dependence=dependence,
    )


def dependence_of(*rows: "np.ndarray") -> float:
    """Return how many times the variance of a mean exceeds that of independent values: at least 1.

    The larger of two estimates from the correlations of neighbours, pooled over the rows: their sum up to the first
    pair that is not there (Geyer's initial positive sequence, 1992), and what a first-order process with the same
    correlation of neighbours has. Correlations of short rows are too small, and are corrected (Kendall 1954).
    """
    import numpy as np

    kept = [values[np.isfinite(values)] for values in (np.asarray(row, dtype=float) for row in rows)]
    kept = [values - values.mean() for values in kept if len(values) >= MINIMUM_BLOCKS]
    variance = sum(float((values**2).mean()) for values in kept)
    if not kept or variance <= 0:
        return 1.0
    size = min(len(values) for values in kept)
    total = 1.0
    first = 0.0
    for lag in range(1, size // 3, 2):
        pair = [_correlation(kept, each, variance=variance, size=size) for each in (lag, lag + 1)]
        first = first or pair[0]
        if sum(pair) <= 0:
            break
        total += 2 * sum(pair)
    first = min(max(first, 0.0), 1 - 2 / size)
    return min(max(1.0, total, (1 + first) / (1 - first)), size / 2)


def _correlation(rows: "list[np.ndarray]", lag: int, *, variance: float, size: int) -> float:
    seen = sum(float((row[lag:] * row[:-lag]).mean()) for row in rows) / variance
    return seen + (1 + 3 * max(0.0, seen)) / size


def rank_shift(first: "np.ndarray", second: "np.ndarray", *, dependence: float = 1.0) -> RankShift | None:
    """Return Mann and Whitney's test of two rows of blocks, its distance shortened by their dependence."""
    import numpy as np

    one, two = (np.asarray(side)[np.isfinite(side)] for side in (first, second))
    if not one.size or not two.size:
        return None
    test = mann_whitney(two, one)
    normal = NormalDist()
    distance = -normal.inv_cdf(max(test.p_value, 1e-300) / 2) if test.p_value < 1 else 0.0
    p_value = 2 * normal.cdf(-distance / math.sqrt(dependence))
    return RankShift(p_value=min(1.0, p_value), superiority=test.superiority)


@lru_cache(maxsize=4096)
def student(confidence: float, *, freedom: int) -> float:
    """Return the two-sided quantile of Student's t, from its distribution integrated numerically.

    >>> [round(student(0.95, freedom=freedom), 2) for freedom in (1, 9, 100)]
    [12.71, 2.26, 1.98]
    """
    # With t = sqrt(freedom) tan(angle) the density becomes cos(angle)**(freedom - 1), on a finite interval.
    steps = 4000
    width = math.pi / 2 / steps
    density = [math.cos((place + 0.5) * width) ** (freedom - 1) for place in range(steps)]
    wanted, seen = confidence * sum(density), 0.0
    for place, each in enumerate(density):
        if seen + each >= wanted:
            angle = (place + (wanted - seen) / each) * width
            return math.sqrt(freedom) * math.tan(angle)
        seen += each
    return math.inf


def log_quantile(counts: "np.ndarray", log_values: "np.ndarray", share: float) -> Statistic:
    """Return the statistic that is the logarithm of a quantile, by weights of the rows of `counts`."""
    import numpy as np

    def of(weights: "np.ndarray") -> "np.ndarray":
        if not log_values.size:
            return np.full(len(weights), np.nan)
        results = []
        step = max(1, 8_000_000 // log_values.size)  # bounds memory: 64 MB a step
        for start in range(0, len(weights), step):
            total = (weights[start : start + step] @ counts).cumsum(axis=1)
            rank = np.ceil(share * total[:, -1])
            found = log_values[(total >= rank[:, None]).argmax(axis=1)]
            results.append(np.where(total[:, -1] > 0, found, np.nan))
        return np.concatenate(results)

    return of


def ratio_of_sums(top: "np.ndarray", bottom: "np.ndarray") -> Statistic:
    """Return the statistic sum(top) / sum(bottom), by weights of the blocks."""
    import numpy as np

    def of(weights: "np.ndarray") -> "np.ndarray":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray((weights @ top) / (weights @ bottom))

    return of


def _weights(random: "np.random.Generator", size: int) -> "np.ndarray":
    """Return how often each block was drawn, one row a resample."""
    import numpy as np

    return random.multinomial(size, np.full(size, 1 / size), size=RESAMPLES).astype(float)
