"""What do the charts of a drill hold: load, latency and who answered on one axis of time, and lifelines below them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from opsctl.chaos.book import Drill
from opsctl.chaos.report import AlertSeen, DrillReport
from opsctl.chaos.sample import Point
from opsctl.core.units import format_duration, parse_duration
from opsctl.ui.chart import MIDDLE, TALL, Chart, Column, EndLabel, Stroke, limit_stroke, spread_labels
from opsctl.ui.scales import (
    SIDE,
    Scale,
    Tick,
    clock_label,
    count_scale,
    duration_scale,
    share_scale,
    time_scale,
)
from opsctl.ui.stretches import area_path, band_path, line_path

_MOST_COLUMNS = 300
_SERVERS: Mapping[str, str] = {
    "cache": "c",
    "stale": "e",
    "multi_agent": "d",
    "simple": "b",
    "trending": "a",
    "unknown": "f",
    "error": "bad",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifeline:
    """When something was there, in percent of the drill; `told` marks when somebody was told of it."""

    name: str
    ink: str
    left: float
    width: float
    told: float | None
    text: str


def charts_of_drill(report: DrillReport, drill: Drill) -> tuple[Chart, ...]:
    """Return the charts of a drill on one axis of time; none where nothing was asked."""
    points = _whole(report.points)
    if not any(point.number for point in points):
        return ()
    across = time_scale(_length(report))
    charts = (
        _load_chart(points, across),
        _latency_chart(points, across, drill),
        _server_chart(points, across),
    )
    shade, columns = _shade(report, across), _columns(points, across)
    return tuple(
        replace(chart, strokes=(*shade, *chart.strokes), columns=columns, names_across=place == 2)
        for place, chart in enumerate(charts)
    )


def lifelines(report: DrillReport, drill: Drill) -> tuple[Lifeline, ...]:
    """Return when each fault and each alert was there; those that were expected and never came, too."""
    names = dict.fromkeys(
        [*(alert.name for alert in drill.expect.alerts), *(alert.name for alert in report.alerts)]
    )
    expected = {alert.name for alert in drill.expect.alerts}
    return (
        *(_line(span.fault, "bad", span.began_at, span.ended_at, report) for span in report.faults),
        *(_alert_line(report.alert(name), report, is_expected=name in expected) for name in names),
    )


def _load_chart(points: Sequence[Point], across: Scale) -> Chart:
    sent = [point.number / point.length_seconds for point in points]
    good = [point.good / point.length_seconds for point in points]
    upward = count_scale([*sent, *good])
    ends = [
        EndLabel(tick=Tick(percent=upward.place(sent[-1]) / 10, label="sent"), ink="f"),
        EndLabel(tick=Tick(percent=upward.place(good[-1]) / 10, label="good"), ink="c"),
    ]
    return Chart(
        title="Requests a second",
        description="Requests sent a second, and good answers a second",
        height=MIDDLE,
        across=across,
        upward=upward,
        strokes=(
            Stroke(kind="area", ink="f", path=area_path(points, sent, across, upward)),
            Stroke(kind="line", ink="c", path=line_path(points, good, across, upward)),
        ),
        labels=spread_labels(ends, height=MIDDLE),
    )


def _latency_chart(points: Sequence[Point], across: Scale, drill: Drill) -> Chart:
    rows = {"p99": [point.p99_seconds for point in points], "p50": [point.p50_seconds for point in points]}
    limit = parse_duration(drill.steady_state.fault_p99 or drill.steady_state.p99)
    upward = duration_scale([limit, *(value for row in rows.values() for value in row if value is not None)])
    strokes, ends = limit_stroke(("p99", limit), upward)
    for (name, row), ink in zip(rows.items(), ("a", "c"), strict=True):
        strokes.append(Stroke(kind="line", ink=ink, path=line_path(points, row, across, upward)))
        last = next((value for value in reversed(row) if value is not None), limit)
        ends.append(EndLabel(tick=Tick(percent=upward.place(last) / 10, label=name), ink=ink))
    return Chart(
        title="Response time",
        description="p50 and p99 of the response time by when requests were sent, on a logarithmic scale",
        height=TALL - 80,
        across=across,
        upward=upward,
        strokes=tuple(strokes),
        labels=spread_labels(ends, height=TALL - 80),
    )


def _server_chart(points: Sequence[Point], across: Scale) -> Chart:
    upward, strokes, ends = share_scale(), [], []
    below = [0.0] * len(points)
    last = max(place for place, point in enumerate(points) if point.number)
    for server in ordered_servers(point.tiers for point in points):
        above = [low + _share(point, server) for low, point in zip(below, points, strict=True)]
        ink = _SERVERS.get(server, "f")
        path = band_path(
            points,
            below,
            above,
            across=across,
            upward=upward,
            is_there=lambda point: bool(point.number),
        )
        strokes.append(Stroke(kind="band", ink=ink, path=path))
        if above[last] > below[last]:
            middle = upward.place((below[last] + above[last]) / 2) / 10
            ends.append(EndLabel(tick=Tick(percent=middle, label=server.replace("_", " ")), ink=ink))
        below = above
    return Chart(
        title="Who answered",
        description="Share of the answers by who gave them, over time",
        height=TALL - 60,
        across=across,
        upward=upward,
        strokes=tuple(strokes),
        labels=spread_labels(ends, height=TALL - 60),
    )


def ordered_servers(counts: Iterable[Mapping[str, int]]) -> list[str]:
    """Return who answered, the nearest first, errors last."""
    seen = {server for each in counts for server, number in each.items() if number}
    known = list(_SERVERS)
    return sorted(
        seen, key=lambda server: (known.index(server) if server in known else len(known) - 1.5, server)
    )


def server_ink(server: str) -> str:
    """Return the colour of who answered."""
    return _SERVERS.get(server, "f")


def _whole(points: Sequence[Point]) -> Sequence[Point]:
    """Leave out a last stretch that is shorter than the others: its rate would be one of a few requests."""
    is_short = len(points) > 1 and points[-1].length_seconds < points[0].length_seconds
    return points[:-1] if is_short else points


def _shade(report: DrillReport, across: Scale) -> list[Stroke]:
    """Return the times in which a fault was there, as shaded columns."""
    parts = [
        f"M{across.place(span.began_at - report.started_at):.1f},0"
        f" H{across.place(span.ended_at - report.started_at):.1f} V{SIDE:.0f}"
        f" H{across.place(span.began_at - report.started_at):.1f} Z"
        for span in report.faults
    ]
    return [Stroke(kind="shade", ink="bad", path=" ".join(dict.fromkeys(parts)))] if parts else []


def _columns(points: Sequence[Point], across: Scale) -> tuple[Column, ...]:
    size = -(-len(points) // _MOST_COLUMNS)
    columns = []
    for start in range(0, len(points), size):
        group = points[start : start + size]
        worst = max(group, key=lambda point: (point.number - point.good, point.p99_seconds or 0.0))
        length = sum(point.length_seconds for point in group)
        columns.append(
            Column(begins=across.place(group[0].second), width=across.place(length), text=_point_text(worst))
        )
    return tuple(columns)


def _point_text(point: Point) -> str:
    times = [
        f"{name} {format_duration(value)}"
        for name, value in (("p50", point.p50_seconds), ("p99", point.p99_seconds))
        if value is not None
    ]
    servers = [
        f"{server.replace('_', ' ')} {_share(point, server):.0%}" for server in ordered_servers([point.tiers])
    ]
    first = f"{clock_label(point.second)}: {point.number:,} sent, {point.good:,} good"
    return "\n".join(part for part in (first, ", ".join(times), ", ".join(servers)) if part)


def _alert_line(seen: AlertSeen, report: DrillReport, *, is_expected: bool) -> Lifeline:
    name = (
        seen.name
        if is_expected
        else f"{seen.name} ({'a page that was not expected' if seen.is_page else 'beside it'})"
    )
    begins = seen.firing_at if seen.firing_at is not None else seen.told_at
    if begins is None:
        return Lifeline(name=name, ink="f", left=0, width=0, told=None, text="it did not fire")
    ends = report.ended_at if seen.over_at is None else max(begins, seen.over_at)
    told = None if seen.told_at is None else _percent(seen.told_at, report)
    return replace(_line(name, "a" if is_expected else "e", begins, ends, report), told=told)


def _line(name: str, ink: str, begins: float, ends: float, report: DrillReport) -> Lifeline:
    left = _percent(begins, report)
    text = f"from {clock_label(round(begins - report.started_at))} for {format_duration(ends - begins)}"
    return Lifeline(name=name, ink=ink, left=left, width=_percent(ends, report) - left, told=None, text=text)


def _percent(at: float, report: DrillReport) -> float:
    return min(100.0, max(0.0, 100 * (at - report.started_at) / _length(report)))


def _length(report: DrillReport) -> float:
    last = report.points[-1] if report.points else None
    return max(report.seconds, last.second + last.length_seconds if last else 0.0, 1e-3)


def _share(point: Point, server: str) -> float:
    return point.tiers.get(server, 0) / point.number if point.number else 0.0
