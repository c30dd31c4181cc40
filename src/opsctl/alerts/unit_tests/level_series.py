"""Which series bring a signal to a wanted level: made from the declaration, with others beside them that a rule must not take.

A level is what the signal measures: a share, a mean, a rate a second, a gauge's value; of a quantile it is the share of
observations beyond the threshold, because that is what moves it across.
"""

from collections.abc import Callable, Mapping, Sequence

from opsctl.alerts.promql_text import bucket_bound
from opsctl.alerts.signals import (
    LevelSignal,
    ShareSignal,
)
from opsctl.alerts.unit_tests.labels import matchers_of, matching, metric_of, missing_each
from opsctl.alerts.unit_tests.model import InputSeries, Phase
from opsctl.metrics.contract import Contract

Levels = Sequence[tuple[int, float]]
"""Steps, and the level in them."""


def _counter(name: str, labels: Mapping[str, str], numbers: Sequence[tuple[int, float]]) -> InputSeries:
    return InputSeries(
        name=name, labels=labels, phases=[Phase(steps=steps, number=number) for steps, number in numbers]
    )


def _gauge(name: str, labels: Mapping[str, str], numbers: Sequence[tuple[int, float]]) -> InputSeries:
    phases = [Phase(steps=steps, number=number) for steps, number in numbers]
    return InputSeries(name=name, labels=labels, phases=phases, is_counter=False)


def ratio_series(of: str, to: str, *, by: tuple[str, ...]) -> Callable[[Levels, float], list[InputSeries]]:
    """Return what makes the series of a ratio at given levels, first the part."""
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


def mean_series(of: str, *, by: tuple[str, ...]) -> Callable[[Levels, float], list[InputSeries]]:
    """Return what makes the sums and counts of a mean."""
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


def rate_series(
    of: str, *, by: tuple[str, ...], step_seconds: float
) -> Callable[[Levels, float], list[InputSeries]]:
    """Return what makes a counter of a given rate."""
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


def level_series(
    signal: LevelSignal, *, by: tuple[str, ...], far: float
) -> Callable[[Levels, float], list[InputSeries]]:
    """Return what makes a gauge, on the side of the threshold that is meant."""
    labels = matching(signal.of, by=by)

    def make(levels: Levels, _events: float) -> list[InputSeries]:
        total = sum(steps for steps, _ in levels)
        name = metric_of(signal.of)
        return [
            _gauge(name, labels, levels),
            *(_gauge(name, stranger, [(total, far)]) for stranger in missing_each(signal.of, labels)),
        ]

    return make


def share_series(signal: ShareSignal, *, by: tuple[str, ...]) -> Callable[[Levels, float], list[InputSeries]]:
    """Return what makes the parts of a share."""
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


def slow_share_series(
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
