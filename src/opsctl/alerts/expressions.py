"""Which PromQL gives the value of a signal, and which says that there is enough to judge by."""

from typing import assert_never

from opsctl.alerts.promql_text import Selection, aggregated, duration, number, selection
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
    Signal,
)
from opsctl.alerts.target import Histograms, Target
from opsctl.core.units import parse_duration


def signal_expression(  # noqa: C901, PLR0911 - a branch a kind
    signal: Signal, *, comparison: str, target: Target
) -> str:
    """Return the value that is compared; nothing at all where there are no events."""
    match signal:
        case RatioSignal():
            return _ratio(signal, is_low_bad=comparison == "<")
        case QuantileSignal():
            return _quantile(signal, native=target.histograms is Histograms.NATIVE)
        case MeanSignal():
            return _mean(signal, native=target.histograms is Histograms.NATIVE)
        case RateSignal():
            return _counted("rate", selection(signal.of), window=signal.window, by=signal.by)
        case LevelSignal():
            return _level(signal)
        case ShareSignal():
            part = aggregated("sum", str(selection(signal.of)), by=signal.by)
            whole = aggregated("sum", str(selection(signal.to)), by=signal.by)
            return f"{part} / ({whole} > 0)"
        case AgeSignal():
            return f"time() - {aggregated('max', str(selection(signal.of)), by=signal.by)}"
        case AbsenceSignal():
            return f"absent({selection(signal.of)})"
        case AlwaysSignal():
            return "vector(1)"
        case QuerySignal():
            return f"({signal.expr.strip()})"
        case _:
            assert_never(signal)


def enough_events(signal: Signal, *, target: Target) -> str | None:
    """Return the condition that there were enough events to judge by; None where any number will do."""
    if not isinstance(signal, RatioSignal | QuantileSignal | MeanSignal) or signal.min_events <= 0:
        return None
    native = target.histograms is Histograms.NATIVE
    if isinstance(signal, RatioSignal):
        counted = _counted("increase", selection(signal.to), window=signal.window, by=signal.by)
    elif native:
        counted = f"histogram_count({_counted('increase', selection(signal.of), window=signal.window, by=signal.by)})"
    else:
        counted = _counted(
            "increase", selection(signal.of).suffixed("_count"), window=signal.window, by=signal.by
        )
    return f"{counted} >= {number(signal.min_events)}"


def alert_expression(signal: Signal, *, comparison: str, threshold: float | None, target: Target) -> str:
    """Return the whole expression of an alert: value, comparison, guard."""
    value = signal_expression(signal, comparison=comparison, target=target)
    compared = value if threshold is None else f"{value} {comparison} {number(threshold)}"
    guard = enough_events(signal, target=target)
    return compared if guard is None else f"{compared}\nand\n{guard}"


def _counted(function: str, selected: Selection, *, window: str, by: list[str]) -> str:
    return aggregated("sum", f"{function}({selected.over(parse_duration(window))})", by=by)


def _ratio(signal: RatioSignal, *, is_low_bad: bool) -> str:
    part = _counted("rate", selection(signal.of), window=signal.window, by=signal.by)
    whole = _counted("rate", selection(signal.to), window=signal.window, by=signal.by)
    if is_low_bad:
        # A series may begin with its first event: what was never counted is the lowest share, not an unknown one.
        part = f"({part} or {whole} * 0)"
    return f"{part} / ({whole} > 0)"


def _quantile(signal: QuantileSignal, *, native: bool) -> str:
    selected, share = selection(signal.of), number(signal.quantile)
    if native:
        return (
            f"histogram_quantile({share}, {_counted('rate', selected, window=signal.window, by=signal.by)})"
        )
    buckets = _counted("rate", selected.suffixed("_bucket"), window=signal.window, by=[*signal.by, "le"])
    return f"histogram_quantile({share}, {buckets})"


def _mean(signal: MeanSignal, *, native: bool) -> str:
    selected = selection(signal.of)
    if native:
        rate = _counted("rate", selected, window=signal.window, by=signal.by)
        return f"histogram_sum({rate}) / (histogram_count({rate}) > 0)"
    total = _counted("rate", selected.suffixed("_sum"), window=signal.window, by=signal.by)
    count = _counted("rate", selected.suffixed("_count"), window=signal.window, by=signal.by)
    return f"{total} / ({count} > 0)"


def _level(signal: LevelSignal) -> str:
    selected = selection(signal.of)
    value = str(selected)
    if signal.over is not None:
        value = f"avg_over_time({selected}[{duration(parse_duration(signal.over))}])"
    return aggregated(signal.combine, value, by=signal.by)
