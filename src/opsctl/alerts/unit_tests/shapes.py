"""Which series bring a signal to a wanted level: made from the declaration, with others beside them that a rule must not take.

A level is what the signal measures: a share, a mean, a rate a second, a gauge's value; of a quantile it is the share of
observations beyond the threshold, because that is what moves it across.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from opsctl.alerts.book import Alert, ErrorsIndicator, LatencyIndicator, Objective
from opsctl.alerts.promql_text import bucket_bound
from opsctl.alerts.signals import (
    LevelSignal,
    MeanSignal,
    QuantileSignal,
    RateSignal,
    RatioSignal,
    ShareSignal,
)
from opsctl.alerts.unit_tests.labels import matchers_of, matching, metric_of, missing_each
from opsctl.alerts.unit_tests.model import InputSeries, Phase
from opsctl.metrics.contract import Contract

EVENTS = 10_000.0
"""Events a step: enough for shares of a hundredth of a percent."""

Levels = Sequence[tuple[int, float]]
"""Steps, and the level in them."""
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
            make = _ratio(signal.of, signal.to, by=by)
            full, calm = (1.0, 0.0) if rises else (0.0, 1.0)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=False, kept=kept)
        case QuantileSignal():
            make = _slow_share(signal.of, threshold, q=signal.quantile, by=by, contract=contract)
            share = 1 - signal.quantile
            full, calm = (1.0, 0.0) if rises else (0.0, 1.0)
            return Shape(series=make, threshold=share, full=full, calm=calm, is_exact=False, kept=kept)
        case MeanSignal():
            full, calm = (threshold * 3 + 1, 0.0) if rises else (0.0, threshold * 1.3)
            return Shape(
                series=_mean(signal.of, by=by),
                threshold=threshold,
                full=full,
                calm=calm,
                is_exact=False,
                kept=kept,
            )
        case RateSignal():
            full, calm = (threshold * 10 or 1.0, 0.0) if rises else (0.0, threshold * 10)
            make = _rate(signal.of, by=by, step_seconds=step_seconds)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=False, kept=kept)
        case LevelSignal():
            far = 10 * abs(threshold) + 1
            full, calm = (threshold + far, threshold) if rises else (threshold - far, threshold)
            make = _level(signal, by=by, far=threshold + (-2 if signal.combine == "min" else 2) * far)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=True, kept=kept)
        case ShareSignal():
            full, calm = (1.0, 0.0) if rises else (0.0, 1.0)
            make = _share(signal, by=by)
            return Shape(series=make, threshold=threshold, full=full, calm=calm, is_exact=False, kept=kept)
        case _:
            assert_never(signal)


def shape_of_objective(objective: Objective, *, threshold: float, contract: Contract) -> Shape:
    """Return how the share of bad events of an objective is brought to a level."""
    indicator = objective.indicator
    match indicator:
        case ErrorsIndicator():
            make = _ratio(indicator.of, indicator.to, by=())
        case LatencyIndicator():
            make = _slow_share(indicator.of, indicator.within_seconds, q=None, by=(), contract=contract)
        case _:
            assert_never(indicator)
    return Shape(series=make, threshold=threshold, full=1.0, calm=0.0, is_exact=False, kept={})


def _counter(name: str, labels: Mapping[str, str], numbers: Sequence[tuple[int, float]]) -> InputSeries:
    return InputSeries(
        name=name, labels=labels, phases=[Phase(steps=steps, number=number) for steps, number in numbers]
    )


def _gauge(name: str, labels: Mapping[str, str], numbers: Sequence[tuple[int, float]]) -> InputSeries:
    phases = [Phase(steps=steps, number=number) for steps, number in numbers]
    return InputSeries(name=name, labels=labels, phases=phases, is_counter=False)


def _ratio(of: str, to: str, *, by: tuple[str, ...]) -> Callable[[Levels, float], list[InputSeries]]:
    bad = matching(of, by=by)
    is_part = metric_of(of) == metric_of(to)
    rest = _rest_labels(of, to, bad) if is_part else matching(to, by=by)

    def make(levels: Levels, events: float) -> list[InputSeries]:
        made = [
            _counter(metric_of(of), bad, [(steps, level * events) for steps, level in levels]),
            _counter(
                metric_of(to),
                rest,
                [(steps, ((1 - level) if is_part else 1) * events) for steps, level in levels],
            ),
        ]
        total = sum(steps for steps, _ in levels)
        # Counted in neither: a rule that has lost a matcher takes them.
        strangers = [
            *(each for each in missing_each(to, bad if is_part else rest)),
            *(() if is_part else missing_each(of, bad)),
        ]
        names = [metric_of(to)] * len(list(matchers_of(to))) + [metric_of(of)] * (
            0 if is_part else len(matchers_of(of))
        )
        return made + [
            _counter(name, labels, [(total, 3 * events)])
            for name, labels in zip(names, strangers, strict=True)
        ]

    return make


def _rest_labels(of: str, to: str, bad: Mapping[str, str]) -> Mapping[str, str]:
    """Return labels of what is counted in the whole and not in the part."""
    whole = {matcher.label for matcher in matchers_of(to)}
    own = [matcher.label for matcher in matchers_of(of) if matcher.label not in whole]
    for labels in missing_each(of, bad):
        changed = [label for label in labels if labels[label] != bad.get(label)]
        if not own or changed[0] in own:
            return labels
    return {**bad, "other": "yes"}


def _mean(of: str, *, by: tuple[str, ...]) -> Callable[[Levels, float], list[InputSeries]]:
    labels = matching(of, by=by)

    def make(levels: Levels, events: float) -> list[InputSeries]:
        name, total = metric_of(of), sum(steps for steps, _ in levels)
        made = [
            _counter(f"{name}_sum", labels, [(steps, level * events) for steps, level in levels]),
            _counter(f"{name}_count", labels, [(steps, events) for steps, _ in levels]),
        ]
        for stranger in missing_each(of, labels):
            made.append(_counter(f"{name}_count", stranger, [(total, 3 * events)]))
            made.append(_counter(f"{name}_sum", stranger, [(total, 30 * events)]))
        return made

    return make


def _rate(
    of: str, *, by: tuple[str, ...], step_seconds: float
) -> Callable[[Levels, float], list[InputSeries]]:
    labels = matching(of, by=by)

    def make(levels: Levels, _events: float) -> list[InputSeries]:
        total = sum(steps for steps, _ in levels)
        highest = max(level for _, level in levels) + 1
        made = [_counter(metric_of(of), labels, [(steps, level * step_seconds) for steps, level in levels])]
        return made + [
            _counter(metric_of(of), stranger, [(total, 100 * highest * step_seconds)])
            for stranger in missing_each(of, labels)
        ]

    return make


def _level(
    signal: LevelSignal, *, by: tuple[str, ...], far: float
) -> Callable[[Levels, float], list[InputSeries]]:
    labels = matching(signal.of, by=by)

    def make(levels: Levels, _events: float) -> list[InputSeries]:
        total = sum(steps for steps, _ in levels)
        name = metric_of(signal.of)
        return [
            _gauge(name, labels, levels),
            *(_gauge(name, stranger, [(total, far)]) for stranger in missing_each(signal.of, labels)),
        ]

    return make


def _share(signal: ShareSignal, *, by: tuple[str, ...]) -> Callable[[Levels, float], list[InputSeries]]:
    part, whole = matching(signal.of, by=by), matching(signal.to, by=by)

    def make(levels: Levels, _events: float) -> list[InputSeries]:
        is_part = metric_of(signal.of) == metric_of(signal.to)
        rest = _rest_labels(signal.of, signal.to, part) if is_part else whole
        return [
            _gauge(metric_of(signal.of), part, [(steps, level * 100) for steps, level in levels]),
            _gauge(
                metric_of(signal.to),
                rest,
                [(steps, ((1 - level) if is_part else 1) * 100) for steps, level in levels],
            ),
        ]

    return make


def _slow_share(
    of: str, bound: float, *, q: float | None, by: tuple[str, ...], contract: Contract
) -> Callable[[Levels, float], list[InputSeries]]:
    """Return histograms in which a share of the observations is slower than a bound.

    Of the quick ones some lie just below the bound, so that a quantile just below the threshold is near it, and a rule
    with a lower threshold shows.
    """
    series = contract.series(metric_of(of))
    buckets = series.metric.buckets if series is not None else (bound,)
    labels = matching(of, by=by)
    near = 2 * (1 - q) if q is not None else 0.1

    def histogram(wearing: Mapping[str, str], levels: Levels, events: float) -> list[InputSeries]:
        before = max((each for each in buckets if each < bound), default=0.0)
        after = min((each for each in buckets if each > bound), default=float("inf"))
        made = []
        for upper in (*buckets, float("inf")):
            numbers = []
            for steps, slow in levels:
                quick = 1 - slow
                close = min(near, quick)
                share = (
                    1.0
                    if upper >= after
                    else quick
                    if upper >= bound
                    else quick - close
                    if upper >= buckets[0]
                    else 0.0
                )
                numbers.append((steps, (share if upper != before or before >= buckets[0] else 0.0) * events))
            le = "+Inf" if upper == float("inf") else bucket_bound(upper)
            made.append(_counter(f"{metric_of(of)}_bucket", {**wearing, "le": le}, numbers))
        made.append(_counter(f"{metric_of(of)}_count", wearing, [(steps, events) for steps, _ in levels]))
        return made

    def make(levels: Levels, events: float) -> list[InputSeries]:
        total = sum(steps for steps, _ in levels)
        made = histogram(labels, levels, events)
        for index, stranger in enumerate(missing_each(of, labels)):
            # One is slow and one is quick, so that either side shows a lost matcher.
            made += histogram(stranger, [(total, 1.0 if index % 2 == 0 else 0.0)], 30 * events)
        return made

    return make
