"""What do the charts of a drill hold: load, latency and who answered on one axis of time, and lifelines below them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from opsctl.chaos.book import Drill
from opsctl.chaos.report import AlertSeen, DrillReport
from opsctl.chaos.sample import Point
from opsctl.core.units import format_duration, parse_duration
from opsctl.ui.chart import TALL, Chart, Column, Stroke
from opsctl.ui.scales import SIDE, Scale, clock_label, time_scale
from opsctl.ui.time_charts import Band, Frame, Line, joined, latency_chart, rate_chart, share_chart

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
    return rate_chart(
        points,
        across,
        whole=("sent", [point.number / point.length_seconds for point in points]),
        part=("good", [point.good / point.length_seconds for point in points]),
        description="Requests sent a second, and good answers a second",
    )


def _latency_chart(points: Sequence[Point], across: Scale, drill: Drill) -> Chart:
    return latency_chart(
        points,
        across,
        lines=(
            Line(name="p99", ink="a", values=[point.p99_seconds for point in points]),
            Line(name="p50", ink="c", values=[point.p50_seconds for point in points]),
        ),
        frame=Frame(
            title="Response time",
            description="p50 and p99 of the response time by when requests were sent, on a logarithmic scale",
            height=TALL - 80,
        ),
        limit=("p99", parse_duration(drill.steady_state.fault_p99 or drill.steady_state.p99)),
    )


def _server_chart(points: Sequence[Point], across: Scale) -> Chart:
    return share_chart(
        points,
        across,
        bands=[
            Band(
                name=server.replace("_", " "),
                ink=server_ink(server),
                shares=[_share(point, server) for point in points],
            )
            for server in ordered_servers(point.tiers for point in points)
        ],
        is_there=lambda point: bool(point.number),
        frame=Frame(
            title="Who answered",
            description="Share of the answers by who gave them, over time",
            height=TALL - 60,
        ),
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
    columns = []
    for group in joined(points):
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
