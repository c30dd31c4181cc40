"""How long does an alert take: from the first bad event to the message, by arithmetic, before anything is broken.

A drill makes a share of the events bad from one moment on. The value over a window of w seconds then moves in a
straight line: after t seconds, t / w of the window are of the new sort. Where it crosses the threshold the condition
holds; then come what the watchers add: up to one scrape, up to one evaluation, `for` in whole evaluations, and the
time for which Alertmanager gathers a group. The burn of an objective is the ratio over its long window
(SRE workbook, chapter 5): `factor * (1 - objective) / share * window`.
"""

import math
from dataclasses import dataclass
from typing import assert_never

from opsctl.alerts.book import Alert, BurnTier, Objective
from opsctl.alerts.delivery import Timing
from opsctl.alerts.signals import (
    AbsenceSignal,
    AgeSignal,
    AlwaysSignal,
    LevelSignal,
    MeanSignal,
    QuantileSignal,
    QuerySignal,
    RateSignal,
    RatioSignal,
    ShareSignal,
)
from opsctl.core.units import parse_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """What the watchers add, in seconds."""

    scrape: float
    evaluate: float
    group_wait: float

    @classmethod
    def of(cls, timing: Timing) -> "Intervals":
        """Return those of a book."""
        return cls(
            scrape=parse_duration(timing.scrape_every),
            evaluate=parse_duration(timing.evaluate_every),
            group_wait=parse_duration(timing.group_wait),
        )

    def added(self, for_seconds: float) -> float:
        """Return the most that is added to the moment at which the condition begins to hold."""
        evaluations = math.ceil(for_seconds / self.evaluate)
        return self.scrape + self.evaluate + evaluations * self.evaluate + self.group_wait


def predict_alert(alert: Alert, *, intervals: Intervals, history_seconds: float = math.inf) -> float | None:
    """Return the seconds until the message; infinity where the drill never reaches the threshold, None without a drill."""
    if alert.drill is None:
        return None
    crossing = crossing_seconds(alert, share=alert.drill.share, history_seconds=history_seconds)
    return None if crossing is None else crossing + intervals.added(parse_duration(alert.for_))


def predict_tier(
    objective: Objective, tier: BurnTier, *, intervals: Intervals, history_seconds: float = math.inf
) -> float | None:
    """Return the same of one tier of an objective; its short window has long crossed when the long one does."""
    if objective.drill is None:
        return None
    crossing = burn_seconds(objective, tier, share=objective.drill.share, history_seconds=history_seconds)
    return crossing + intervals.added(parse_duration(tier.for_))


def burn_seconds(
    objective: Objective, tier: BurnTier, *, share: float, history_seconds: float = math.inf
) -> float:
    """Return after how many seconds of a share of bad events a tier's windows burn too fast.

    >>> from opsctl.alerts.book import GOOGLE_TIERS
    >>> fast = BurnTier.model_validate(GOOGLE_TIERS["fast"])
    >>> # 99.9 %, everything fails: 52 s (the table in the tests compares with promtool)
    >>> round(filled(threshold=14.4 * 0.001, share=1.0, window_seconds=parse_duration(fast.long)))
    52
    """
    return filled(
        threshold=tier.factor * (1 - objective.objective / 100),
        share=share,
        window_seconds=parse_duration(tier.long),
        history_seconds=history_seconds,
    )


def filled(
    *, threshold: float, share: float, window_seconds: float, history_seconds: float = math.inf
) -> float:
    """Return when a share of bad events has brought a window's ratio to a threshold; infinity for never.

    With less history than the window is long, the ratio is of what there is: t * share / (history + t).
    """
    if threshold >= share:
        return math.inf
    if history_seconds < window_seconds:
        short = threshold * history_seconds / (share - threshold)
        if history_seconds + short <= window_seconds:
            return short
    return threshold / share * window_seconds


def crossing_seconds(  # noqa: PLR0911 - a branch a kind
    alert: Alert, *, share: float, history_seconds: float = math.inf
) -> float | None:
    """Return when the condition begins to hold after the fault; None where nobody can say."""
    signal = alert.signal
    match signal:
        case RatioSignal() | MeanSignal():
            # Of a mean: the worst event is 0 and the others are 1, as quality and scores are.
            bad = alert.above if alert.above is not None else 1 - (alert.below or 0.0)
            window = parse_duration(signal.window)
            return filled(
                threshold=max(bad, 0.0),
                share=share,
                window_seconds=window,
                history_seconds=history_seconds,
            )
        case QuantileSignal():
            window = parse_duration(signal.window)
            return filled(
                threshold=1 - signal.quantile,
                share=share,
                window_seconds=window,
                history_seconds=history_seconds,
            )
        case RateSignal():
            # One event is enough above 0; else nobody knows how many come, and a whole window is the most it takes.
            return 0.0 if alert.above == 0 else parse_duration(signal.window)
        case LevelSignal():
            return parse_duration(signal.over) if signal.over else 0.0
        case ShareSignal() | AbsenceSignal() | AlwaysSignal():
            return 0.0
        case AgeSignal():
            return max(alert.above or 0.0, 0.0)
        case QuerySignal():
            return None
        case _:
            assert_never(signal)
