"""What do the samples of an arm say: quantiles with intervals, recall with its interval, and ratios between arms."""

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from opsctl.core.quantiles import QuantileEstimate, estimate_quantile, order_statistic_ranks, quantile
from opsctl.vectors.arms import ArmSamples, Measurement
from opsctl.vectors.intervals import Interval, mean_interval
from opsctl.vectors.statistics import Comparison, Ratio, blocks_needed, judge, ratio_of_quantiles

if TYPE_CHECKING:
    import numpy as np

SHARES = (0.5, 0.95, 0.99, 0.999)
FEWEST_QUERIES = 36
"""Where so many are equal, at most a tenth of all may not be (1 - 0.025 ^ (1 / n), Clopper and Pearson 1934): by one result
of ten each, that is a hundredth of recall."""
FEWEST_UNEQUAL = 6
"""So many that all point one way are significant in an exact sign test: 2 / 2^6 is 3 %, 2 / 2^5 is 6 %."""
_SEED = 20_240_602


@dataclass(frozen=True, slots=True, kw_only=True)
class TailEstimate:
    """A quantile in seconds with its interval; without one where the sample is too small to support it."""

    quantile: float
    value: float | None
    low: float | None
    high: float | None
    needed: int
    """Measured queries that an interval of this quantile needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmSummary:
    """What one arm achieved."""

    name: str
    collection: str
    queries: int
    engine: tuple[TailEstimate, ...]
    client: tuple[TailEstimate, ...]
    recall: Interval | None
    empty_answers: int

    def engine_at(self, share: float) -> TailEstimate:
        """Return the engine's quantile at a share."""
        return next(tail for tail in self.engine if tail.quantile == share)

    def client_at(self, share: float) -> TailEstimate:
        """Return the client's quantile at a share."""
        return next(tail for tail in self.client if tail.quantile == share)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmComparison:
    """A contender beside the baseline: how many times faster, whether that is sure, and at equal recall."""

    baseline: str
    contender: str
    clock: str
    quantile: float
    ratio: Ratio | None
    verdict: Comparison
    recall: Comparison
    """Whether the contender finds more, less or as much of the truth."""
    queries_needed: int | None
    """Measured queries that would settle a `cannot_tell`, where that can be said."""

    @property
    def is_equal_recall(self) -> bool:
        """Tell whether it is shown that both find as much, so that the ratio compares like with like."""
        return self.recall is Comparison.SAME


def summarise(samples: ArmSamples) -> ArmSummary:
    """Return the quantiles and the recall of an arm."""
    return ArmSummary(
        name=samples.arm.name,
        collection=samples.arm.collection,
        queries=samples.size,
        engine=tails(samples.engine_ns),
        client=tails(samples.client_ns),
        recall=mean_interval(samples.recalls, seed=_SEED),
        empty_answers=samples.empty_answers,
    )


def tails(nanoseconds: "np.ndarray") -> tuple[TailEstimate, ...]:
    """Return every quantile that the sample supports, in seconds."""
    ordered = sorted(nanoseconds.reshape(-1).tolist())
    return tuple(_tail(share, estimate_quantile(ordered, share)) for share in SHARES)


def compare_arms(
    measurement: Measurement, *, baseline: str, contender: str, share: float, clock: str = "engine"
) -> ArmComparison:
    """Return how many times faster a contender is than the baseline, at one quantile of one clock."""
    limits = measurement.plan.limits
    first, second = measurement.of(baseline), measurement.of(contender)
    sides = (first.engine_ns, second.engine_ns) if clock == "engine" else (first.client_ns, second.client_ns)
    ratio = ratio_of_quantiles(*sides, share, seed=_SEED)
    floor = max(limits.noise_floor, _observed_noise(measurement, share=share, clock=clock))
    verdict = judge(ratio, floor=floor)
    return ArmComparison(
        baseline=baseline,
        contender=contender,
        clock=clock,
        quantile=share,
        ratio=ratio,
        verdict=verdict,
        recall=compare_recall(first.recalls, second.recalls, margin=limits.recall_margin),
        queries_needed=_needed(ratio, verdict, sides[0], floor=floor),
    )


def compare_recall(baseline: tuple[float, ...], contender: tuple[float, ...], *, margin: float) -> Comparison:
    """Return whether the contender finds more or less of the truth, by a paired interval on the same queries.

    Sameness must be shown, as in `judge`: the whole interval of the mean difference lies within the margin
    (Schuirmann 1987). Fewer than `FEWEST_QUERIES` show nothing, and a difference in fewer than `FEWEST_UNEQUAL` of
    them is none that is shown: resampling them gives intervals that are too short.
    """
    import numpy as np

    differences = np.asarray(contender, dtype=float) - np.asarray(baseline, dtype=float)
    if differences.size < FEWEST_QUERIES:
        return Comparison.CANNOT_TELL
    if not differences.any():
        return Comparison.SAME
    random = np.random.default_rng(_SEED)
    means = differences[random.integers(differences.size, size=(2000, differences.size))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    if -margin <= low and high <= margin:
        return Comparison.SAME
    if np.count_nonzero(differences) < FEWEST_UNEQUAL:
        return Comparison.CANNOT_TELL
    if low > 0:
        return Comparison.BETTER
    return Comparison.WORSE if high < 0 else Comparison.CANNOT_TELL


def curve(nanoseconds: "np.ndarray", *, points: int = 60) -> list[tuple[float, float]]:
    """Return (share, seconds) along the quantile curve, evenly spaced in log(1 / (1 - share)).

    The curve ends at the last quantile that the sample supports with an interval: about four queries lie above.
    """
    ordered = sorted(nanoseconds.reshape(-1).tolist())
    # 3.69: -ln(0.025), the number of queries above a quantile from which its upper bound lies in the sample.
    decades = max(0.3, math.log10(max(1, len(ordered)) / 3.69))
    shares = [1 - 10 ** (-decades * step / (points - 1)) for step in range(points)]
    return [(share, quantile(ordered, share) / 1e9) for share in shares]


@cache
def size_needed(share: float) -> int:
    """Return the smallest sample that has an interval for a quantile.

    >>> size_needed(0.99)
    368
    """
    size = 2
    while order_statistic_ranks(size, share) is None:
        size *= 2
    low, high = size // 2, size
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if order_statistic_ranks(middle, share) else (middle, high)
    return high


def _tail(share: float, estimate: QuantileEstimate | None) -> TailEstimate:
    if estimate is None:
        return TailEstimate(quantile=share, value=None, low=None, high=None, needed=size_needed(share))
    return TailEstimate(
        quantile=share,
        value=estimate.value / 1e9,
        low=estimate.low / 1e9,
        high=estimate.high / 1e9,
        needed=size_needed(share),
    )


def _observed_noise(measurement: Measurement, *, share: float, clock: str) -> float:
    """Return how far the last arm was from itself: no smaller effect can be claimed."""
    last, control = measurement.arms[-1], measurement.control
    sides = (last.engine_ns, control.engine_ns) if clock == "engine" else (last.client_ns, control.client_ns)
    ratio = ratio_of_quantiles(*sides, share, seed=_SEED, resamples=1000)
    return math.expm1(abs(math.log(ratio.value))) if ratio else 0.0


def _needed(ratio: Ratio | None, verdict: Comparison, blocks: "np.ndarray", *, floor: float) -> int | None:
    if ratio is None or verdict is not Comparison.CANNOT_TELL:
        return None
    return blocks_needed(ratio, blocks=len(blocks), effect=floor) * int(blocks.shape[1])
