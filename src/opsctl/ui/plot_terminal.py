"""How does a distribution look in a terminal: quantile curves, one mark an arm, readable without colour."""

import math
from collections.abc import Mapping, Sequence

Curve = Sequence[tuple[float, float]]

MARKS = "●○▲△■□◆◇"
_BOTH = "✱"  # two arms in one cell
_LEFT = 11  # room for the labels of the vertical axis


def plot_quantiles(curves: Mapping[str, Curve], *, width: int = 80, height: int = 14) -> list[str]:
    """Return the lines of a plot: percentile to the right, each nine further out, milliseconds upward on a log scale.

    Each curve is a row of (share, seconds). Curves of fewer than two points are left out.
    """
    drawn = {name: curve for name, curve in curves.items() if len(curve) > 1}
    if not drawn:
        return []
    columns = max(20, width - _LEFT - 2)
    nines = max(_nines(share) for curve in drawn.values() for share, _ in curve)
    low, high = _bounds([seconds for curve in drawn.values() for _, seconds in curve])
    grid = [[" "] * columns for _ in range(height)]
    for mark, curve in zip(MARKS, drawn.values(), strict=False):
        for column in range(columns):
            seconds = _at(curve, nines * column / (columns - 1))
            if seconds is not None:
                row = round(
                    (height - 1) * (math.log(high) - math.log(seconds)) / (math.log(high) - math.log(low))
                )
                grid[row][column] = mark if grid[row][column] in (" ", mark) else _BOTH
    lines = [
        f"{_label(row, height, low, high):>{_LEFT - 2}} ┤{''.join(cells)}".rstrip()
        for row, cells in enumerate(grid)
    ]
    return [*lines, *_axis(columns, nines), _legend(list(drawn))]


def _nines(share: float) -> float:
    """Return how many nines a share has: 0.9 has one, 0.99 two."""
    return -math.log10(max(1e-9, 1 - share))


def _bounds(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the range of the vertical axis, at least a factor of 1.2, so that noise does not fill it."""
    positive = [value for value in seconds if value > 0] or [1e-6, 1e-3]
    low, high = min(positive), max(positive)
    if high / low < 1.2:
        middle = math.sqrt(low * high)
        low, high = middle / math.sqrt(1.2), middle * math.sqrt(1.2)
    return low, high


def _at(curve: Curve, nines: float) -> float | None:
    """Return the curve's value at a place, linear between its points; None beyond its end."""
    places = [_nines(share) for share, _ in curve]
    if nines > places[-1] + 1e-9:
        return None
    for index in range(1, len(curve)):
        if nines <= places[index] + 1e-12:
            span = places[index] - places[index - 1]
            part = (nines - places[index - 1]) / span if span > 0 else 0.0
            value = curve[index - 1][1] + (curve[index][1] - curve[index - 1][1]) * part
            return value if value > 0 else None
    return curve[-1][1] if curve[-1][1] > 0 else None


def _label(row: int, height: int, low: float, high: float) -> str:
    if row % 3 and row != height - 1:
        return ""
    seconds = math.exp(math.log(high) - (math.log(high) - math.log(low)) * row / (height - 1))
    return f"{seconds * 1000:.3g} ms"


def _axis(columns: int, nines: float) -> list[str]:
    ticks = {"p0": 0.0, "p50": _nines(0.5), "p90": 1.0, "p99": 2.0, "p99.9": 3.0, "p99.99": 4.0}
    line, labels = ["─"] * columns, [" "] * (columns + 6)
    for name, place in ticks.items():
        if place <= nines + 1e-9:
            column = round(place / nines * (columns - 1))
            line[column] = "┴"
            start = min(column, columns - len(name))
            labels[start : start + len(name)] = name
    return [" " * (_LEFT - 1) + "└" + "".join(line), (" " * _LEFT + "".join(labels)).rstrip()]


def _legend(names: Sequence[str]) -> str:
    parts = [f"{mark} {name}" for mark, name in zip(MARKS, names, strict=False)]
    return " " * _LEFT + "   ".join([*parts, f"{_BOTH} both"] if len(names) > 1 else parts)
