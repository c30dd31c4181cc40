"""How far apart are two rows of blocks, and how sure is that, when neighbouring blocks resemble each other."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

from opsctl.vectors.rank_test import mann_whitney
from opsctl.vectors.statistics import MINIMUM_BLOCKS

if TYPE_CHECKING:
    import numpy as np

RESAMPLES = 1000
_SEED = 20_260_111

_FEWEST_INDEPENDENT = 4
"""A row is never taken for fewer independent blocks: dependence itself is not known well enough in short rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """second - first of something, with its interval; of logarithms, where it stands for a ratio."""

    value: float
    low: float
    high: float
    error: float
    """Standard error, dependence included; the interval is wider where few independent blocks tell it."""
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
    are_independent: bool = False,
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
        are_independent: the blocks were arranged so that what drifts falls on both sides of each pair alike.
    """
    import numpy as np

    sizes = [len(each) for each in series]
    if min(sizes) < MINIMUM_BLOCKS:
        return None
    random = np.random.default_rng(_SEED)
    drawn = [_weights(random, size) for size in sizes]
    if is_paired:
        drawn[1] = drawn[0]
    wholes = [float(of(np.ones((1, size)))[0]) for of, size in zip((first, second), sizes, strict=True)]
    resampled = [of(weights) for of, weights in zip((first, second), drawn, strict=True)]
    if not (np.isfinite(wholes).all() and all(np.isfinite(each).all() for each in resampled)):
        return None
    value, shifts = wholes[1] - wholes[0], resampled[1] - resampled[0]
    rows = (series[1] - series[0],) if is_paired and np.isfinite(series).all() else series
    dependence = 1.0 if are_independent else dependence_of(*rows)
    independent = max(_FEWEST_INDEPENDENT, math.floor(min(sizes) / dependence))
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    widened = math.sqrt(dependence) * student(confidence, freedom=independent - 1) / z
    tail = (1 - confidence) / 2
    low, high = np.quantile(shifts, [tail, 1 - tail])
    # Quantiles of counts are discrete: an interval of one value must not look exact, nor leave its estimate outside.
    return Shift(
        value=value,
        low=value - max(0.0, value - float(low)) * widened,
        high=value + max(0.0, float(high) - value) * widened,
        error=float(high - low) / 2 / z * math.sqrt(dependence),
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
    kept = [values for values in kept if len(values) >= MINIMUM_BLOCKS and _varies(values)]
    if not kept:
        return 1.0
    kept = [values - values.mean() for values in kept]
    size = min(len(values) for values in kept)
    total = 1.0
    for lag in range(1, size // 3, 2):
        pair = _correlation(kept, lag) + _correlation(kept, lag + 1) + 2 / size
        if pair <= 0:
            break
        total += 2 * pair
    nearest = _correlation(kept, 1)
    nearest = min(max(nearest + (1 + 3 * nearest) / size, 0.0), 0.95)
    return min(max(1.0, total, (1 + nearest) / (1 - nearest)), size / _FEWEST_INDEPENDENT)


def _varies(values: "np.ndarray") -> bool:
    """Tell whether values differ by more than rounding."""
    return float(values.std()) > 1e-9 * max(1e-300, float(abs(values).max()))


def _correlation(rows: "list[np.ndarray]", lag: int) -> float:
    """Return the correlation of values so far apart, over all rows."""
    variance = sum(float((row**2).mean()) for row in rows)
    return sum(float((row[lag:] * row[:-lag]).sum()) / len(row) for row in rows) / variance


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


def signed_rank_shift(
    first: "np.ndarray", second: "np.ndarray", *, dependence: float = 1.0
) -> RankShift | None:
    """Return Wilcoxon's signed-rank test of pairs of blocks: what both have in common, such as a ramp, drops out.

    The normal approximation with correction for ties and continuity; from ten pairs on within a few percent of the exact
    one (Hollander and Wolfe 1999, 3.1). Equal pairs count half to each side.
    """
    import numpy as np

    one, two = np.asarray(first), np.asarray(second)
    known = np.isfinite(one) & np.isfinite(two)
    differences = two[known] - one[known]
    if not differences.size:
        return None
    superiority = float((differences > 0).mean() + (differences == 0).mean() / 2)
    apart = differences[differences != 0]
    size = apart.size
    _, inverse, counts = np.unique(np.abs(apart), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    variance = size * (size + 1) * (2 * size + 1) / 24 - float((counts**3 - counts).sum()) / 48
    if size == 0 or variance <= 0:
        return RankShift(p_value=1.0, superiority=superiority)
    away = max(0.0, abs(float(ranks[apart > 0].sum()) - size * (size + 1) / 4) - 0.5)
    p_value = 2 * NormalDist().cdf(-away / math.sqrt(variance * dependence))
    return RankShift(p_value=min(1.0, p_value), superiority=superiority)


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
