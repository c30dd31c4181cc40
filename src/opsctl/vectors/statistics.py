"""Is one side faster than the other, the same, or can this sample not tell: tests and intervals for latencies."""

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

MINIMUM_BLOCKS = 10
"""Fewer blocks make a bootstrap interval too short: at 10 blocks it covers about 90 % where it says 95 %."""

_EXACT_LIMIT = 20  # both samples together; 184,756 ways at most, counted by recursion in no time

_DRAWN_ONE_BY_ONE = 5000
"""Values of which every resample is drawn one by one."""


class Comparison(StrEnum):
    """What a comparison of two latencies concludes; `cannot_tell` never counts as `same`."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A ratio of two quantiles with its interval; above 1 the baseline is slower than the contender."""

    quantile: float
    value: float
    low: float
    high: float
    confidence: float = 0.95

    @property
    def log_error(self) -> float:
        """Return the half width of the interval on the log scale."""
        return (math.log(self.high) - math.log(self.low)) / 2

    @property
    def standard_error(self) -> float:
        """Return the standard error on the log scale that the interval amounts to."""
        return self.log_error / NormalDist().inv_cdf(0.5 + self.confidence / 2)

    def is_beyond(self, floor: float) -> bool:
        """Tell whether the whole interval lies outside 1 +/- `floor`."""
        return self.low > 1 + floor or self.high < 1 / (1 + floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTest:
    """A Mann-Whitney U test: U of the first sample, the two-sided p, and the chance that the first is larger."""

    u: float
    p_value: float
    is_exact: bool
    superiority: float
    """P(first > second) + half of P(equal); 0.5 when the samples are alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its confidence interval."""

    value: float
    low: float
    high: float
    size: int


def ratio_of_quantiles(
    baseline: "np.ndarray",
    contender: "np.ndarray",
    share: float,
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> Ratio | None:
    """Return quantile(baseline) / quantile(contender) with a paired block bootstrap interval.

    Both arrays have one row a block, measured at the same time; whole rows are drawn, the same for both sides,
    so that drift of the machine and autocorrelation inside a block do not shorten the interval. Percentiles are
    taken on the log scale. Source: Efron and Tibshirani (1993), 13.3; Kuensch (1989) for blocks.

    Returns None below `MINIMUM_BLOCKS` blocks, or when a quantile is zero.
    """
    import numpy as np

    blocks = len(baseline)
    if len(contender) != blocks:
        raise ValueError(f"{blocks} blocks against {len(contender)}: pairs need the same number")
    if blocks < MINIMUM_BLOCKS:
        return None
    value = _log_ratio(baseline.reshape(1, -1), contender.reshape(1, -1), share)
    random = np.random.default_rng(seed)
    chunk = max(1, 4_000_000 // max(baseline.size, contender.size))
    logs: list[np.ndarray] = []
    for start in range(0, resamples, chunk):
        drawn = random.integers(blocks, size=(min(chunk, resamples - start), blocks))
        rows = len(drawn)
        logs.append(_log_ratio(baseline[drawn].reshape(rows, -1), contender[drawn].reshape(rows, -1), share))
    return _as_ratio(value[0], np.concatenate(logs), share=share, confidence=confidence)


def ratio_of_independent(
    baseline: "np.ndarray",
    contender: "np.ndarray",
    share: float,
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> Ratio | None:
    """Return the same ratio for two runs that were not measured together: blocks are drawn for each apart."""
    import numpy as np

    if min(len(baseline), len(contender)) < MINIMUM_BLOCKS:
        return None
    random = np.random.default_rng(seed)
    value = _log_ratio(baseline.reshape(1, -1), contender.reshape(1, -1), share)
    logs = np.array(
        [
            _log_ratio(
                baseline[random.integers(len(baseline), size=len(baseline))].reshape(1, -1),
                contender[random.integers(len(contender), size=len(contender))].reshape(1, -1),
                share,
            )[0]
            for _ in range(resamples)
        ]
    )
    return _as_ratio(value[0], logs, share=share, confidence=confidence)


def judge(ratio: Ratio | None, *, floor: float) -> Comparison:
    """Say what a ratio means: an effect must be significant and above the floor, sameness must be shown as well.

    `same` is two one-sided tests: the whole interval lies within 1 +/- floor (Schuirmann 1987). `better` and
    `worse` speak of the contender. Everything else is `cannot_tell`.
    """
    if ratio is None:
        return Comparison.CANNOT_TELL
    margin = math.log1p(floor)
    low, value, high = math.log(ratio.low), math.log(ratio.value), math.log(ratio.high)
    if -margin <= low and high <= margin:
        return Comparison.SAME
    if low > 0 and value > margin:
        return Comparison.BETTER
    if high < 0 and value < -margin:
        return Comparison.WORSE
    return Comparison.CANNOT_TELL


def mann_whitney(first: "Sequence[float]", second: "Sequence[float]") -> RankTest:
    """Test whether values of `first` tend to be larger or smaller than those of `second`, two-sided.

    Exact for small samples without ties, else the normal approximation with tie and continuity correction.
    Source: Mann and Whitney (1947); tie correction of Lehmann, Nonparametrics (1975), 1.4.
    """
    import numpy as np

    one, two = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not one.size or not two.size:
        raise ValueError("both samples need at least one value")
    pooled = np.concatenate([one, two])
    _, inverse, counts = np.unique(pooled, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    u = float(ranks[: one.size].sum() - one.size * (one.size + 1) / 2)
    is_exact = pooled.size <= _EXACT_LIMIT and bool((counts == 1).all())
    if is_exact:
        p_value = _exact_p_value(round(u), one.size, two.size)
    else:
        p_value = _normal_p_value(u, one.size, two.size, ties=float((counts**3 - counts).sum()))
    return RankTest(u=u, p_value=p_value, is_exact=is_exact, superiority=u / (one.size * two.size))


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


def blocks_needed(ratio: Ratio, *, blocks: int, effect: float, power: float = 0.8) -> int:
    """Return how many blocks would show an effect of `effect` (0.05 for 5 %) with that power.

    The error shrinks with the root of the number of blocks. Source: Lehr (1992), for a two-sided test at the
    ratio's own confidence.
    """
    wanted_error = math.log1p(effect) / _distance(ratio, power=power)
    return max(MINIMUM_BLOCKS, math.ceil(blocks * (ratio.standard_error / wanted_error) ** 2))


def _distance(ratio: Ratio, *, power: float) -> float:
    """Return how many standard errors an effect must have to be found with that power."""
    normal = NormalDist()
    return normal.inv_cdf(0.5 + ratio.confidence / 2) + normal.inv_cdf(power)


def _log_ratio(baseline: "np.ndarray", contender: "np.ndarray", share: float) -> "np.ndarray":
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(
            np.log(np.quantile(baseline, share, axis=1)) - np.log(np.quantile(contender, share, axis=1))
        )


def _as_ratio(value: float, logs: "np.ndarray", *, share: float, confidence: float) -> Ratio | None:
    import numpy as np

    if not (math.isfinite(value) and np.isfinite(logs).all()):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(logs, [tail, 1 - tail])
    # With few distinct microseconds a percentile interval may leave its own estimate outside by a rounding.
    return Ratio(
        quantile=share,
        value=math.exp(value),
        low=math.exp(min(low, value)),
        high=math.exp(max(high, value)),
        confidence=confidence,
    )


def _normal_p_value(u: float, first: int, second: int, *, ties: float) -> float:
    size = first + second
    variance = first * second / 12 * (size + 1 - ties / (size * (size - 1)))
    if variance <= 0:
        return 1.0
    distance = max(0.0, abs(u - first * second / 2) - 0.5)
    return min(1.0, 2 * NormalDist().cdf(-distance / math.sqrt(variance)))


def _exact_p_value(u: int, first: int, second: int) -> float:
    """Count the arrangements at least as far from the middle, by the recurrence of Mann and Whitney."""
    ways = [[1] + [0] * (first * second) for _ in range(second + 1)]
    for _ in range(first):
        for column in range(1, second + 1):
            shifted = [0] * column + ways[column][: len(ways[column]) - column]
            ways[column] = [a + b for a, b in zip(shifted, ways[column - 1], strict=True)]
    # The table above grows one element of `first` a round: ways[n][u] counts arrangements with that U.
    smaller = min(u, first * second - u)
    tail = sum(ways[second][: smaller + 1]) / math.comb(first + second, first)
    return min(1.0, 2 * tail)
