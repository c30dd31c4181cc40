"""Is one side faster than the other, the same, or can this sample not tell: ratios of quantiles by block bootstrap?"""

import math
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

MINIMUM_BLOCKS = 10
"""Fewer blocks make a bootstrap interval too short: at 10 blocks it covers about 90 % where it says 95 %."""


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
