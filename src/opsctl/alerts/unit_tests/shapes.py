"""At which levels does an alert just fire, and just not: the shape of its signal around the threshold?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from opsctl.alerts.book import Alert, ErrorsIndicator, LatencyIndicator, Objective
from opsctl.alerts.signals import (
    LevelSignal,
    MeanSignal,
    QuantileSignal,
    RateSignal,
    RatioSignal,
    ShareSignal,
)
from opsctl.alerts.unit_tests.level_series import (
    Levels,
    level_series,
    mean_series,
    rate_series,
    ratio_series,
    share_series,
    slow_share_series,
)
from opsctl.alerts.unit_tests.model import InputSeries
from opsctl.metrics.contract import Contract

EVENTS = 10_000.0
"""Events a step: enough for shares of a hundredth of a percent."""

Shaped = RatioSignal | QuantileSignal | MeanSignal | RateSignal | LevelSignal | ShareSignal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a signal is brought to a level.

    Args:
        series: makes input series from levels and events a step.
        threshold: the level at which the condition turns.
        full: the level as far on the firing side as it goes.
        calm: one on the quiet side.
        is_exact: levels arrive unchanged, so that the threshold itself can be tested.
        kept: labels that the firing alert has beside the rule's own.
    """

    series: Callable[[Levels, float], list[InputSeries]]
    threshold: float
    full: float
    calm: float
    is_exact: bool
    kept: Mapping[str, str]

    @property
    def beyond(self) -> float:
        """Return a level just on the firing side."""
        if self.threshold == 0:
            return self.full / 100
        return self.threshold + 0.05 * abs(self.threshold) * self._direction

    @property
    def within(self) -> float:
        """Return a level just on the quiet side; the threshold itself where levels arrive unchanged."""
        if self.is_exact or self.threshold == 0:
            return self.threshold
        return self.threshold - 0.05 * abs(self.threshold) * self._direction

    @property
    def _direction(self) -> int:
        return 1 if self.full > self.calm else -1

    def crossing(self, *, start: float, end: float) -> float:
        """Return which part of a window must have passed until the level has moved across the threshold."""
        return (self.threshold - start) / (end - start)


def shape_of(alert: Alert, signal: Shaped, *, contract: Contract, step_seconds: float) -> Shape:
    """Return how the signal of an alert is brought to a level."""
    by, kept = tuple(signal.by), dict.fromkeys(signal.by, "one")
    threshold = alert.above if alert.above is not None else alert.below or 0.0
    rises = alert.above is not None
    match signal:
        case RatioSignal():
            make = ratio_series(signal.of, signal.to, by=by)
            full, calm = (1.0, 0.0) if rises else (0.0, 1.0)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=False, kept=kept)
        case QuantileSignal():
            make = slow_share_series(signal.of, threshold, q=signal.quantile, by=by, contract=contract)
            share = 1 - signal.quantile
            full, calm = (1.0, 0.0) if rises else (0.0, 1.0)
            return Shape(series=make, threshold=share, full=full, calm=calm, is_exact=False, kept=kept)
        case MeanSignal():
            full, calm = (threshold * 3 + 1, 0.0) if rises else (0.0, threshold * 1.3)
            return Shape(
                series=mean_series(signal.of, by=by),
                threshold=threshold,
                full=full,
                calm=calm,
                is_exact=False,
                kept=kept,
            )
        case RateSignal():
            full, calm = (threshold * 10 or 1.0, 0.0) if rises else (0.0, threshold * 10)
            make = rate_series(signal.of, by=by, step_seconds=step_seconds)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=False, kept=kept)
        case LevelSignal():
            far = 10 * abs(threshold) + 1
            full, calm = (threshold + far, threshold) if rises else (threshold - far, threshold)
            make = level_series(signal, by=by, far=threshold + (-2 if signal.combine == "min" else 2) * far)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=True, kept=kept)
        case ShareSignal():
            full, calm = (1.0, 0.0) if rises else (0.0, 1.0)
            make = share_series(signal, by=by)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=False, kept=kept)
        case _:
            assert_never(signal)


def shape_of_objective(objective: Objective, *, threshold: float, contract: Contract) -> Shape:
    """Return how the share of bad events of an objective is brought to a level."""
    indicator = objective.indicator
    match indicator:
        case ErrorsIndicator():
            make = ratio_series(indicator.of, indicator.to, by=())
        case LatencyIndicator():
            make = slow_share_series(indicator.of, indicator.within_seconds, q=None, by=(), contract=contract)
        case _:
            assert_never(indicator)
    return Shape(series=make, threshold=threshold, full=1.0, calm=0.0, is_exact=False, kept={})
