"""Where on a chart does a value lie, and which round values are named: scales from 0 to 1000, and their ticks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

SIDE = 1000.0
"""Charts are squares of this side, stretched by the page; nothing but paths stands in them."""

_MOST_TICKS = 7
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis: its place in percent of the chart, and what it says; narrow windows leave minor ones out."""

    percent: float
    label: str
    is_minor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """One axis: a value's place from 0 to 1000, and the ticks; vertical axes grow upward."""

    place: Callable[[float], float]
    ticks: tuple[Tick, ...]


def decade_bounds(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the next 1, 2 or 5 below and above, at least a factor of two apart."""
    positive = [value for value in seconds if value > 0] or [1e-4, 1e-3]
    steps = _one_two_five()
    # Below the last step even where every value is beyond it: an axis of no length has no places.
    low = max((step for step in steps[:-1] if step <= min(positive)), default=steps[0])
    high = min(
        (step for step in steps if step >= max(positive) * 1.001 and step >= low * 2), default=steps[-1]
    )
    return low, high


def decade_steps(low: float, high: float) -> list[float]:
    """Return the round values from one bound to the other: 1, 2, 5 of each decade, or whole decades if they are many."""
    inside = [step for step in _one_two_five() if low * 0.999 <= step <= high * 1.001]
    return (
        inside
        if len(inside) <= _MOST_TICKS
        else [step for step in inside if round(math.log10(step), 6) % 1 == 0]
    )


def duration_scale(seconds: Sequence[float]) -> Scale:
    """Return a vertical logarithmic scale of durations."""
    low, high = decade_bounds(seconds)
    span = math.log(high / low)

    def place(value: float) -> float:
        return SIDE - SIDE * math.log(min(high, max(low, value)) / low) / span

    ticks = tuple(
        Tick(percent=place(step) / 10, label=duration_label(step)) for step in decade_steps(low, high)
    )
    return Scale(place=place, ticks=ticks)


def count_scale(values: Sequence[float], *, most_ticks: int = 3) -> Scale:
    """Return a vertical scale from zero."""
    high = _round_up(max(*values, 1e-3) if any(values) else 1.0)
    labels = [high * step / (most_ticks - 1) for step in range(most_ticks)]

    def place(value: float) -> float:
        return SIDE - SIDE * value / high

    return Scale(
        place=place,
        ticks=tuple(
            Tick(percent=place(v) / 10, label=f"{v:,.0f}" if v >= 1000 else f"{v:.4g}") for v in labels
        ),
    )


def share_scale() -> Scale:
    """Return a vertical scale from nothing to all."""
    ticks = tuple(Tick(percent=100 - part, label=f"{part} %") for part in (0, 25, 50, 75, 100))
    return Scale(place=lambda share: SIDE - SIDE * share, ticks=ticks)


def time_scale(total_seconds: float) -> Scale:
    """Return a horizontal scale of the time since the run began."""
    whole = max(total_seconds, 1e-9)
    step = next(
        (each for each in _TIME_STEPS if whole / each <= _MOST_TICKS),
        _TIME_STEPS[-1] * math.ceil(whole / 6e5),
    )
    marks = [step * number for number in range(int(whole / step) + 1)]
    ticks = tuple(
        Tick(
            percent=100 * mark / whole, label=clock_label(mark), is_minor=bool(number % 2) and len(marks) > 4
        )
        for number, mark in enumerate(marks)
    )
    return Scale(place=lambda second: SIDE * second / whole, ticks=ticks)


def percentile_scale() -> Scale:
    """Return a horizontal scale from p50 to p99.99, each nine as far from the last."""
    low, high = _nines(0.5), _nines(0.9999)

    def place(share: float) -> float:
        return SIDE * (_nines(share) - low) / (high - low)

    shares = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999)
    ticks = tuple(
        Tick(percent=place(share) / 10, label=f"p{share * 100:g}", is_minor=share in (0.75, 0.95))
        for share in shares
    )
    return Scale(place=place, ticks=ticks)


def spread(ticks: Sequence[Tick], *, distance: float) -> tuple[Tick, ...]:
    """Move labels apart, so that each keeps `distance` percent from the next and all stay inside; order is kept."""
    order = sorted(range(len(ticks)), key=lambda index: ticks[index].percent)
    moved = list(ticks)
    for above, below in pairwise(order):
        moved[below] = replace(
            moved[below], percent=max(moved[below].percent, moved[above].percent + distance)
        )
    over = max((tick.percent for tick in moved), default=0.0) - 100
    if over > 0:
        for place in range(len(order) - 1, -1, -1):
            most = 100.0 if place == len(order) - 1 else moved[order[place + 1]].percent - distance
            moved[order[place]] = replace(moved[order[place]], percent=min(moved[order[place]].percent, most))
    return tuple(moved)


def duration_label(seconds: float) -> str:
    """Return a round duration as an axis names it.

    >>> [duration_label(value) for value in (0.00005, 0.002, 5)]
    ['0.05 ms', '2 ms', '5 s']
    """
    return f"{seconds:g} s" if seconds >= 1 else f"{round(seconds * 1000, 9):g} ms"


def clock_label(seconds: float) -> str:
    """Return a time since the beginning as an axis names it.

    >>> [clock_label(value) for value in (0, 30, 90, 120, 5400)]
    ['0', '30 s', '1:30 min', '2 min', '1:30 h']
    """
    if seconds == 0:
        return "0"
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            rest = int(seconds % size * 60 / size)
            return f"{int(seconds // size)}:{rest:02d} {unit}" if rest else f"{int(seconds // size)} {unit}"
    return f"{seconds:g} s"


def _nines(share: float) -> float:
    return -math.log10(max(1e-9, 1 - share))


def _one_two_five() -> list[float]:
    return [mantissa * 10.0**power for power in range(-7, 5) for mantissa in (1, 2, 5)]


def _round_up(value: float) -> float:
    """Return the next value of 1, 2, 4, 5 or 8 in its decade, a little above so that a line does not lie on the edge."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 8, 10, 20) if step * power >= value * 1.001)
