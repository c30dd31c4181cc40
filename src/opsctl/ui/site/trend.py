"""How did a figure go over the last runs: a small chart, a point a run, with the limit that it is held against."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from opsctl.core.units import format_duration
from opsctl.evidence.model import Record
from opsctl.ui.chart import MIDDLE, Chart, Column, EndLabel, Stroke, spread_labels
from opsctl.ui.figures import significant
from opsctl.ui.scales import SIDE, Scale, Tick, count_scale, duration_scale
from opsctl.ui.site import reading

_FEWEST = 2
Reads = Callable[[Mapping[str, Any]], float | None]


def latency_trend(records: Sequence[Record], *, title: str, figures: Mapping[str, str]) -> Chart | None:
    """Return a chart of latencies in milliseconds over the runs, logarithmic; `figures` names what each line draws.

    None where there are not two runs.
    """
    rows = {
        name: [
            None if (value := reading.number(record.figures, figure)) is None else value / 1000
            for record in records
        ]
        for name, figure in figures.items()
    }
    known = [value for row in rows.values() for value in row if value is not None]
    if not _is_enough(rows):
        return None
    return _chart(records, rows, title=title, upward=duration_scale(known), written=format_duration)


def count_trend(records: Sequence[Record], *, title: str, reads: Mapping[str, Reads]) -> Chart | None:
    """Return a chart of numbers over the runs, from zero; None where there are not two runs."""
    rows = {name: [read(record.figures) for record in records] for name, read in reads.items()}
    known = [value for row in rows.values() for value in row if value is not None and value >= 0]
    if not _is_enough(rows):
        return None
    return _chart(records, rows, title=title, upward=count_scale(known), written=significant)


def _is_enough(rows: Mapping[str, Sequence[float | None]]) -> bool:
    """Tell whether some line has the two points that make it one."""
    return any(sum(value is not None for value in row) >= _FEWEST for row in rows.values())


def _chart(
    records: Sequence[Record],
    rows: Mapping[str, Sequence[float | None]],
    *,
    title: str,
    upward: Scale,
    written: Callable[[float], str],
) -> Chart:
    across = _runs_scale([record.recorded_at for record in records])
    strokes: list[Stroke] = []
    ends: list[EndLabel] = []
    for (name, row), ink in zip(rows.items(), ("c", "a", "b", "d"), strict=False):
        places = [
            (across.place(index), upward.place(value))
            for index, value in enumerate(row)
            if value is not None and value >= 0
        ]
        if not places:
            continue
        line = " L".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = " ".join(f"M{x:.1f},{y:.1f} h0" for x, y in places)
        strokes += [
            Stroke(kind="line", ink=ink, path=f"M{line}"),
            Stroke(kind="dots", ink=ink, path=dots),
        ]
        ends.append(EndLabel(tick=Tick(percent=places[-1][1] / 10, label=name), ink=ink))
    return Chart(
        title=title,
        description=f"{title}, over {len(records)} runs",
        height=MIDDLE,
        across=across,
        upward=upward,
        strokes=tuple(strokes),
        labels=spread_labels(ends, height=MIDDLE),
        columns=_columns(records, rows, across, written=written),
    )


def _runs_scale(moments: Sequence[datetime]) -> Scale:
    """Return a horizontal scale with a place for each run; only the first and the last are named, by day or by hour."""
    last = max(1, len(moments) - 1)

    def place(index: float) -> float:
        return SIDE * (0.03 + 0.94 * index / last)

    named = dict.fromkeys((0, len(moments) - 1))
    form = "%H:%M" if moments[0].date() == moments[-1].date() else "%m-%d"
    ticks = tuple(Tick(percent=place(index) / 10, label=moments[index].strftime(form)) for index in named)
    return Scale(place=place, ticks=ticks)


def _columns(
    records: Sequence[Record],
    rows: Mapping[str, Sequence[float | None]],
    across: Scale,
    *,
    written: Callable[[float], str],
) -> tuple[Column, ...]:
    width = (across.place(1) - across.place(0)) if len(records) > 1 else SIDE
    columns = []
    for index, record in enumerate(records):
        values = [(name, row[index]) for name, row in rows.items()]
        lines = [f"{name} {written(value)}" for name, value in values if value is not None]
        text = "\n".join((f"{record.recorded_at:%Y-%m-%d %H:%M}, {record.verdict}", *lines))
        columns.append(Column(begins=max(0.0, across.place(index) - width / 2), width=width, text=text))
    return tuple(columns)
