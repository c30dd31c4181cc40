"""What do the charts of an experiment hold: lifts over time within their intervals, units by arm, regret by day."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsctl.experiments.analysis.model import Analysis, Result
from opsctl.experiments.studies.summary import Learning
from opsctl.ui.chart import MIDDLE, TALL, Chart, Column, EndLabel, Stroke, spread_labels
from opsctl.ui.scales import SIDE, Scale, Tick

INKS = ("c", "a", "d", "b", "e", "f")
"""Colours of arms, in the order of the book."""
_DAY = 86_400.0
_MOST_TICKS = 7
_MOST_WIDTHS = 3.0
"""Intervals wider than so many times the median one do not set the scale: they would flatten all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One point of a curve: days since the start, a value, and the interval around it."""

    day: float
    value: float
    low: float
    high: float
    text: str


def lift_chart(result: Result, *, started_at: datetime, days: float) -> Chart | None:
    """Return the lift of one metric over time, within intervals that hold at all times together; None without points."""
    unit = 100.0 if result.curve and result.curve[-1].is_relative else 1.0
    dots = [
        Dot(
            day=(point.at - started_at).total_seconds() / _DAY,
            value=unit * point.value,
            low=unit * point.low,
            high=unit * point.high,
            text=f"day {(point.at - started_at).days}: {_signed(unit * point.value)}"
            f" ({_signed(unit * point.low)} to {_signed(unit * point.high)}), {point.units:,} units",
        )
        for point in result.curve
        if point.is_relative == (unit > 1)
    ]
    if not dots:
        return None
    what = "lift, in percent" if unit > 1 else "difference"
    return band_chart(
        f"{result.metric} of {result.arm}: {what}",
        [(result.arm, "c", dots)],
        days=days,
        with_zero=True,
    )


def regret_chart(learned: Sequence[Learning], *, inks: dict[str, str]) -> Chart:
    """Return the mean regret of a feed by day, of every arm in worlds of its own, with the band over worlds."""
    rows = []
    for each in learned:
        curve = zip(each.curve, each.curve_low, each.curve_high, strict=True)
        dots = [
            Dot(
                day=day + 0.5,
                value=mean,
                low=low if math.isfinite(low) else mean,
                high=high if math.isfinite(high) else mean,
                text=f"day {day + 1}, {each.arm}: {mean:.3f}",
            )
            for day, (mean, low, high) in enumerate(curve)
            if math.isfinite(mean)  # else nobody came
        ]
        rows.append((each.arm, inks[each.arm], dots))
    days = float(len(learned[0].curve))
    return band_chart("Regret of a feed, by day", rows, days=days, with_zero=False, from_zero=True)


def units_chart(analysis: Analysis, units_by_day: Sequence[tuple[datetime, dict[str, int]]]) -> Chart | None:
    """Return the units of each arm over time; None for fewer than two moments."""
    if len(units_by_day) < 2:
        return None
    start = analysis.subject.started_at
    rows = []
    for place, arm in enumerate(analysis.units):
        dots = [
            Dot(
                day=(at - start).total_seconds() / _DAY,
                value=float(units.get(arm, 0)),
                low=float(units.get(arm, 0)),
                high=float(units.get(arm, 0)),
                text=f"day {(at - start).days}, {arm}: {units.get(arm, 0):,} units",
            )
            for at, units in units_by_day
        ]
        if any(dot.value for dot in dots):
            rows.append((arm, INKS[place % len(INKS)], dots))
    days = (units_by_day[-1][0] - start).total_seconds() / _DAY
    return band_chart("Units by arm", rows, days=days, with_zero=False, from_zero=True) if rows else None


def band_chart(
    title: str,
    rows: Sequence[tuple[str, str, Sequence[Dot]]],
    *,
    days: float,
    with_zero: bool,
    from_zero: bool = False,
) -> Chart:
    """Return lines within their bands.

    Args:
        title: of the chart.
        rows: name, ink and dots of each line; at least one dot in all.
        days: length of the horizontal axis.
        with_zero: whether 0 is marked: no difference.
        from_zero: whether the axis begins at 0.
    """
    every = [dot for _, _, dots in rows for dot in dots]
    across = _day_scale(days)
    low, high = _reach(every)
    upward = _value_scale(0.0 if from_zero else min(low, 0.0), max(high, 0.0))
    strokes, ends = [], []
    if with_zero:
        zero = upward.place(0.0)
        strokes.append(Stroke(kind="line", ink="f", path=f"M0,{zero:.1f} H{SIDE:.0f}", dash="4 4"))
    for name, ink, dots in rows:
        strokes += [
            Stroke(kind="area", ink=ink, path=_band(dots, across, upward)),
            Stroke(kind="line", ink=ink, path=_line(dots, across.place, upward.place)),
        ]
        ends.append(EndLabel(tick=Tick(percent=upward.place(dots[-1].value) / 10, label=name), ink=ink))
    width = SIDE / max(len(rows[0][2]), 1)
    columns = [
        Column(
            begins=max(across.place(places[0].day) - width / 2, 0.0),
            width=width,
            text="\n".join(dot.text for dot in places),
        )
        for places in zip(*(dots for _, _, dots in rows), strict=False)
    ]
    height = TALL if len(rows) > 2 else MIDDLE + 70
    return Chart(
        title=title,
        description=title,
        height=height,
        across=across,
        upward=upward,
        strokes=tuple(strokes),
        labels=spread_labels(ends, height=height),
        columns=tuple(columns),
    )


def _reach(dots: Sequence[Dot]) -> tuple[float, float]:
    """Return the least and the greatest value to be shown; the wide intervals of the first days end at the chart's edge."""
    widths = sorted(dot.high - dot.low for dot in dots)
    usual = _MOST_WIDTHS * widths[len(widths) // 2]
    shown = [dot for dot in dots if dot.high - dot.low <= usual] or list(dots)
    return min(dot.low for dot in shown), max(dot.high for dot in shown)


def _line(dots: Sequence[Dot], across: Callable[[float], float], upward: Callable[[float], float]) -> str:
    places = [f"{across(dot.day):.1f},{upward(dot.value):.1f}" for dot in dots]
    return "M" + " L".join(places if len(places) > 1 else places * 2)


def _band(dots: Sequence[Dot], across: Scale, upward: Scale) -> str:
    above = [f"{across.place(dot.day):.1f},{upward.place(dot.high):.1f}" for dot in dots]
    below = [f"{across.place(dot.day):.1f},{upward.place(dot.low):.1f}" for dot in reversed(dots)]
    return "M" + " L".join([*above, *below]) + " Z"


def _day_scale(days: float) -> Scale:
    whole = max(days, 1e-9)
    step = max(1, math.ceil(whole / _MOST_TICKS))
    ticks = tuple(
        Tick(percent=100 * day / whole, label=f"day {day}", is_minor=bool(number % 2))
        for number, day in enumerate(range(0, math.floor(whole) + 1, step))
    )
    return Scale(place=lambda day: SIDE * min(max(day / whole, 0.0), 1.0), ticks=ticks)


def _value_scale(low: float, high: float) -> Scale:
    """Return a vertical scale whose ends are round."""
    span = max(high - low, 1e-12)
    step = _round_step(span / 4)
    bottom, top = math.floor(low / step) * step, math.ceil(high / step) * step
    whole = max(top - bottom, step)
    count = round(whole / step)

    def place(value: float) -> float:
        return SIDE - SIDE * (min(max(value, bottom), top) - bottom) / whole

    values = [bottom + number * step for number in range(count + 1)]
    ticks = tuple(Tick(percent=place(value) / 10, label=f"{value:.6g}") for value in values)
    return Scale(place=place, ticks=ticks)


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= least * 0.999)


def _signed(value: float) -> str:
    return f"{value:+.1f} %" if abs(value) >= 0.05 else f"{value:+.3g}"
