"""How are rates, response times and shares drawn over time, whatever was measured: a load, a drill or a loss?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsctl.ui.chart import MIDDLE, Chart, EndLabel, Stroke, limit_stroke, spread_labels
from opsctl.ui.scales import Scale, Tick, count_scale, duration_scale, share_scale
from opsctl.ui.stretches import Each, Stretch, area_path, band_path, line_path

MOST_COLUMNS = 300
"""So many stretches say their figures when they are pointed at; longer runs join some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around a chart: its title, what it says to those who cannot see it, and its height in pixels."""

    title: str
    description: str
    height: int

    def around(
        self, strokes: Sequence[Stroke], ends: Sequence[EndLabel], *, across: Scale, upward: Scale
    ) -> Chart:
        """Return the chart of strokes whose names stand at their ends."""
        return Chart(
            title=self.title,
            description=self.description,
            height=self.height,
            across=across,
            upward=upward,
            strokes=tuple(strokes),
            labels=spread_labels(ends, height=self.height),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Values of one name, a stretch each; None where nothing was measured."""

    name: str
    ink: str
    values: Sequence[float | None]
    dash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The shares of one name, a stretch each, that are stacked upon those before; named where it is seen at the end."""

    name: str
    ink: str
    shares: Sequence[float]
    is_always_named: bool = False


def rate_chart(
    points: Sequence[Stretch],
    across: Scale,
    *,
    whole: tuple[str, Sequence[float]],
    part: tuple[str, Sequence[float]],
    description: str,
) -> Chart:
    """Return how many requests a second there were, as an area, and how many of them were good, as a line upon it."""
    upward = count_scale([*whole[1], *part[1]])
    ends = [_end(name, ink, values[-1], upward) for (name, values), ink in ((whole, "f"), (part, "c"))]
    strokes = (
        Stroke(kind="area", ink="f", path=area_path(points, whole[1], across, upward)),
        Stroke(kind="line", ink="c", path=line_path(points, part[1], across, upward)),
    )
    frame = Frame(title="Requests a second", description=description, height=MIDDLE)
    return frame.around(strokes, ends, across=across, upward=upward)


def latency_chart(
    points: Sequence[Stretch],
    across: Scale,
    *,
    lines: Sequence[Line],
    frame: Frame,
    limit: tuple[str, float] | None = None,
) -> Chart:
    """Return response times on a logarithmic scale, with the limit of a gate where there is one."""
    known = [value for line in lines for value in line.values if value is not None]
    upward = duration_scale([*([limit[1]] if limit else []), *known])
    strokes, ends = limit_stroke(limit, upward)
    for line in lines:
        path = line_path(points, line.values, across, upward)
        strokes.append(Stroke(kind="line", ink=line.ink, dash=line.dash, path=path))
        last = next((value for value in reversed(line.values) if value is not None), None)
        if last is not None:
            ends.append(_end(line.name, line.ink, last, upward))
    return frame.around(strokes, ends, across=across, upward=upward)


def share_chart(
    points: Sequence[Each],
    across: Scale,
    *,
    bands: Sequence[Band],
    is_there: Callable[[Each], bool],
    frame: Frame,
) -> Chart:
    """Return who answered over time, stacked."""
    upward, below = share_scale(), [0.0] * len(points)
    strokes: list[Stroke] = []
    ends: list[EndLabel] = []
    last = max(place for place, point in enumerate(points) if is_there(point))
    for band in bands:
        above = [low + share for low, share in zip(below, band.shares, strict=True)]
        path = band_path(points, below, above, across=across, upward=upward, is_there=is_there)
        strokes.append(Stroke(kind="band", ink=band.ink, path=path))
        if band.is_always_named or above[last] > below[last]:
            ends.append(_end(band.name, band.ink, (below[last] + above[last]) / 2, upward))
        below = above
    return frame.around(strokes, ends, across=across, upward=upward)


def joined(points: Sequence[Each]) -> list[Sequence[Each]]:
    """Return stretches in groups of equal size, so many as a page has room for."""
    size = max(1, -(-len(points) // MOST_COLUMNS))
    return [points[start : start + size] for start in range(0, len(points), size)]


def _end(name: str, ink: str, value: float, upward: Scale) -> EndLabel:
    return EndLabel(tick=Tick(percent=upward.place(value) / 10, label=name), ink=ink)
