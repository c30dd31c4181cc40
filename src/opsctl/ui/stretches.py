"""How are values over time drawn that were measured a stretch at a time: as lines with gaps, areas in steps, and bands."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from opsctl.ui.scales import SIDE, Scale


class Stretch(Protocol):
    """A stretch of time, in seconds since the beginning."""

    @property
    def second(self) -> float:
        """When it begins."""
        ...

    @property
    def length_seconds(self) -> float:
        """How long it is."""
        ...


Each = TypeVar("Each", bound=Stretch)


def line_path(points: Sequence[Stretch], values: Sequence[float | None], across: Scale, upward: Scale) -> str:
    """Draw values in the middle of their stretches; a stretch without a value is a gap, not a straight line."""
    parts = []
    for known, group in groupby(zip(points, values, strict=True), key=lambda each: each[1] is not None):
        if known:
            places = [
                f"{across.place(point.second + point.length_seconds / 2):.1f},{upward.place(value or 0.0):.1f}"
                for point, value in group
            ]
            parts.append("M" + " L".join(places if len(places) > 1 else places * 2))
    return " ".join(parts)


def area_path(points: Sequence[Stretch], values: Sequence[float], across: Scale, upward: Scale) -> str:
    """Draw the area below values, a step a stretch."""
    steps = [
        f"L{across.place(point.second):.1f},{upward.place(value):.1f}"
        f" H{across.place(point.second + point.length_seconds):.1f}"
        for point, value in zip(points, values, strict=True)
    ]
    return f"M{across.place(points[0].second):.1f},{SIDE:.0f} {' '.join(steps)} V{SIDE:.0f} Z"


def band_path(
    points: Sequence[Each],
    below: Sequence[float],
    above: Sequence[float],
    *,
    across: Scale,
    upward: Scale,
    is_there: Callable[[Each], bool],
) -> str:
    """Draw the band between two rows of values, with a gap where a stretch has nothing to show."""
    parts = []
    rows = zip(points, below, above, strict=True)
    for there, group in groupby(rows, key=lambda row: is_there(row[0])):
        if there:
            stretch = list(group)
            upper = [_edge(point, high, across, upward) for point, _, high in stretch]
            lower = [_edge(point, low, across, upward, backward=True) for point, low, _ in reversed(stretch)]
            parts.append("M" + " L".join([*upper, *lower]) + " Z")
    return " ".join(parts)


def _edge(point: Stretch, value: float, across: Scale, upward: Scale, *, backward: bool = False) -> str:
    begins, ends = across.place(point.second), across.place(point.second + point.length_seconds)
    first, second = (ends, begins) if backward else (begins, ends)
    return f"{first:.1f},{upward.place(value):.1f} {second:.1f},{upward.place(value):.1f}"
