"""Did a service become better or worse between two loads, or can these runs not tell: block against block."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from opsctl.bench.load.block_statistics import (
    Shift,
    Statistic,
    bootstrap_shift,
    log_quantile,
    rank_shift,
    ratio_of_sums,
    signed_rank_shift,
)
from opsctl.bench.load.comparison import MetricChange, Pairing
from opsctl.bench.load.metrics import Metric
from opsctl.bench.load.series import Groups, Unit, group_sides, units_per_group
from opsctl.evidence.model import Verdict
from opsctl.vectors.intervals import wilson
from opsctl.vectors.statistics import MINIMUM_BLOCKS, Comparison

if TYPE_CHECKING:
    import numpy as np

ALPHA = 0.01
"""Of each metric; six metrics together call equal runs different less often than 5 % of the time."""

POWER = 0.9
"""With which `seconds_needed` finds a change as large as the noise floor, or shows that there is none."""

SHARE_FLOORS = {"error_rate": 0.001, "hit_ratio": 0.01}
"""Differences of shares below these are not claimed: a tenth of a point, and one point."""


_QUANTILES = {Metric.P50: 0.5, Metric.P95: 0.95, Metric.P99: 0.99}
_MORE_IS_BETTER = frozenset({Metric.HIT_RATIO, Metric.RATE})


def compare_units(
    first: Sequence[Unit],
    second: Sequence[Unit],
    *,
    noise_floor: float,
    pairing: Pairing,
    metrics: Sequence[Metric] = tuple(Metric),
) -> tuple[MetricChange, ...]:
    """Compare two rows of units by every metric that both have.

    A change counts when it is significant twice (the block bootstrap interval does not hold 0, and a rank test of the
    blocks agrees: Mann and Whitney's, Wilcoxon's where they are paired) and larger than the noise floor, which is raised to the difference between the odd and
    the even blocks of either side.

    Args:
        first: the load to compare with.
        second: the load to judge.
        noise_floor: a smaller relative change of a latency or a rate is not claimed.
        metrics: those to compare.
        pairing: how unit i of one belongs to unit i of the other.
    """
    changes = []
    for metric in metrics:
        if metric is Metric.HIT_RATIO and not all(
            sum(unit.named for unit in side) for side in (first, second)
        ):
            continue
        units = units_per_group((first, second), share=_QUANTILES.get(metric))
        sides = group_sides(first, second, units=units, even_lengths=pairing is not Pairing.APART)
        changes.append(
            _change(metric, sides, noise_floor=noise_floor, pairing=pairing, tried=(first, second))
        )
    return tuple(changes)


def conclude(changes: Sequence[MetricChange]) -> Verdict:
    """Return fail where something became worse, inconclusive where something cannot be told, else pass."""
    verdicts = {change.verdict for change in changes}
    if Comparison.WORSE in verdicts:
        return Verdict.FAIL
    return Verdict.INCONCLUSIVE if Comparison.CANNOT_TELL in verdicts or not changes else Verdict.PASS


@dataclass(frozen=True, slots=True)
class _Measure:
    """A metric of one side: of weighted blocks, and of each block alone."""

    of: Statistic
    series: "np.ndarray"

    @property
    def whole(self) -> float:
        import numpy as np

        return float(self.of(np.ones((1, len(self.series))))[0]) if len(self.series) else math.nan

    @property
    def noise(self) -> float:
        """Return the difference between even and odd blocks."""
        import numpy as np

        if len(self.series) < 2:
            return math.nan
        even = np.arange(len(self.series)) % 2 == 0
        halves = self.of(np.array([even, ~even], dtype=float))
        return abs(float(halves[0] - halves[1])) if np.isfinite(halves).all() else math.nan


def _change(
    metric: Metric,
    sides: tuple[Groups, Groups],
    *,
    noise_floor: float,
    pairing: Pairing,
    tried: tuple[Sequence[Unit], Sequence[Unit]],
) -> MetricChange:
    measures = [_measure(metric, side) for side in sides]
    is_share = metric in SHARE_FLOORS
    stated = SHARE_FLOORS[metric] if is_share else math.log1p(noise_floor)
    noises = [measure.noise for measure in measures if math.isfinite(measure.noise)]
    noise = max(noises) if noises else None
    floor = max(stated, noise or 0.0)
    shift = bootstrap_shift(
        measures[0].of,
        measures[1].of,
        series=(measures[0].series, measures[1].series),
        is_paired=pairing is not Pairing.APART,
        are_independent=pairing is Pairing.IN_TURNS,
        confidence=1 - ALPHA,
    )
    if shift is not None and is_share:
        shift = _widened_by_counts(shift, metric, sides)
    test = rank_shift if pairing is Pairing.APART else signed_rank_shift
    ranks = test(
        measures[0].series, measures[1].series, dependence=shift.dependence if shift is not None else 1.0
    )
    p_value = ranks.p_value if ranks is not None else None
    verdict = _judge(shift, floor=floor, p_value=p_value, more_is_better=metric in _MORE_IS_BETTER)
    shown = (lambda value: value) if is_share else math.expm1
    values = [_shown_value(metric, measure.whole) for measure in measures]
    return MetricChange(
        metric=metric,
        unit="share" if is_share else "1/s" if metric is Metric.RATE else "s",
        first=values[0],
        second=values[1],
        change=shown(shift.value) if shift else None,
        low=shown(shift.low) if shift else None,
        high=shown(shift.high) if shift else None,
        p_value=p_value,
        superiority=ranks.superiority if ranks is not None else None,
        noise=None if noise is None else shown(noise),
        floor=shown(floor),
        blocks=min(side.size for side in sides),
        block_seconds=max(side.seconds for side in sides),
        verdict=verdict,
        seconds_needed=_needed(shift, sides, stated=stated, tried=tried)
        if verdict is Comparison.CANNOT_TELL
        else None,
    )


def _measure(metric: Metric, side: Groups) -> _Measure:
    import numpy as np

    share = _QUANTILES.get(metric)
    if share is not None:
        statistic = log_quantile(side.counts, side.log_values, share)
    elif metric is Metric.ERROR_RATE:
        statistic = ratio_of_sums(side.errors, side.planned)
    elif metric is Metric.HIT_RATIO:
        statistic = ratio_of_sums(side.hits, side.named)
    else:
        statistic = _log_rate(side)
    return _Measure(statistic, statistic(np.eye(side.size)) if side.size else np.empty(0))


def _log_rate(side: Groups) -> Statistic:
    import numpy as np

    rate = ratio_of_sums(side.planned - side.errors, np.full(side.size, side.seconds))

    def of(weights: "np.ndarray") -> "np.ndarray":
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(rate(weights)))

    return of


def _widened_by_counts(shift: Shift, metric: Metric, sides: tuple[Groups, Groups]) -> Shift:
    """Widen to what so many counts can say at all: two times no error is not exactly the same error rate.

    Source: Newcombe (1998), method 10, on Wilson's intervals.
    """
    bounds = []
    for side in sides:
        top, bottom = (side.errors, side.planned) if metric is Metric.ERROR_RATE else (side.hits, side.named)
        share, size = float(top.sum() / bottom.sum()), int(bottom.sum())
        bounds.append((share, *wilson(share, size, confidence=1 - ALPHA)))
    (one, one_low, one_high), (two, two_low, two_high) = bounds
    below = math.hypot(two - two_low, one_high - one)
    above = math.hypot(two_high - two, one - one_low)
    return Shift(
        value=shift.value,
        low=min(shift.low, shift.value - below),
        high=max(shift.high, shift.value + above),
        error=max(shift.error, (below + above) / 2 / NormalDist().inv_cdf(1 - ALPHA / 2)),
        dependence=shift.dependence,
    )


def _judge(shift: Shift | None, *, floor: float, p_value: float | None, more_is_better: bool) -> Comparison:
    """Say what a shift means; sameness must be shown as well (two one-sided tests, Schuirmann 1987)."""
    if shift is None:
        return Comparison.CANNOT_TELL
    if -floor <= shift.low and shift.high <= floor:
        return Comparison.SAME
    is_significant = p_value is not None and p_value < ALPHA
    if is_significant and shift.low > 0 and shift.value > floor:
        return Comparison.BETTER if more_is_better else Comparison.WORSE
    if is_significant and shift.high < 0 and shift.value < -floor:
        return Comparison.WORSE if more_is_better else Comparison.BETTER
    return Comparison.CANNOT_TELL


def _needed(
    shift: Shift | None,
    sides: tuple[Groups, Groups],
    *,
    stated: float,
    tried: tuple[Sequence[Unit], Sequence[Unit]],
) -> float | None:
    """Return how many seconds of each load would tell: the error shrinks with the root of the time (Lehr 1992)."""
    seconds = min(sum(unit.seconds for unit in side) for side in tried)
    group_seconds = max(side.seconds for side in sides)
    if shift is None:
        return MINIMUM_BLOCKS * group_seconds if group_seconds > 0 else None
    normal = NormalDist()
    z = normal.inv_cdf(1 - ALPHA / 2)
    wanted = stated / (z + normal.inv_cdf(0.5 + POWER / 2))
    return max(MINIMUM_BLOCKS * group_seconds, seconds * (shift.error / wanted) ** 2)


def _shown_value(metric: Metric, whole: float) -> float | None:
    if not math.isfinite(whole):
        return None
    if metric in _QUANTILES:
        return math.exp(whole) / 1e6
    return math.exp(whole) if metric is Metric.RATE else whole
