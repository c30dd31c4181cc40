"""What do the charts of a load hold: latency and rate over time, percentile curves, and who answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.model import LoadReport, Point, Tier
from opsctl.bench.load.words import objective_seconds, percent
from opsctl.core.units import format_duration
from opsctl.ui.scales import (
    SIDE,
    Scale,
    Tick,
    clock_label,
    count_scale,
    duration_scale,
    percentile_scale,
    share_scale,
    spread,
    time_scale,
)

TALL, MIDDLE, LOW = 280, 110, 64
"""Heights in pixels, wherever the page is seen."""

_LABEL_PIXELS = 17
_DASHES = ("", "6 3", "2 3", "9 3 2 3", "1 4", "12 4")  # a second mark beside colour
_PLAIN = ("a", "b", "c", "d", "e", "f")
_LINES: Mapping[str, tuple[str, str]] = {"p99": ("a", ""), "p95": ("b", "6 3"), "p50": ("c", "2 3")}
_TIER_INKS: Mapping[str, str] = {Tier.L1: "c", Tier.STALE: "e", Tier.L2: "d", Tier.MISS: "a", Tier.NONE: "f"}
_MARGIN = (
    3.69  # -ln(0.025): the number of answers above a quantile from which its upper bound lies in the sample
)
_CURVE_POINTS = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One path: `kind` is how it is drawn (line, area, band, bars or limit), `ink` its colour."""

    kind: str
    ink: str
    path: str
    dash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLabel:
    """A name at the right edge, where its line ends."""

    tick: Tick
    ink: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A stretch of the horizontal axis that says its figures when it is pointed at."""

    begins: float
    width: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart, ready to be written as SVG with its labels as text of the page around it."""

    title: str
    description: str
    height: int
    across: Scale
    upward: Scale
    strokes: tuple[Stroke, ...]
    labels: tuple[EndLabel, ...] = ()
    columns: tuple[Column, ...] = ()
    names_across: bool = True


def charts_over_time(report: LoadReport) -> tuple[Chart, ...]:
    """Return latency, planned rate and errors on one axis of time; none for a run without points."""
    if not report.points:
        return ()
    across = time_scale(_length(report))
    columns = _columns(report, across)
    charts = [_latency_chart(report, across, columns), _rate_chart(report, across, columns)]
    if any(point.errors for point in report.points):
        charts.append(_error_chart(report, across, columns))
    upper = [_without_names(chart) for chart in charts[:-1]]
    return (*upper, charts[-1])


def percentile_chart(report: LoadReport) -> Chart | None:
    """Return response beside service time by percentile, what lies between being the waiting; None without a sample."""
    curves = {
        name: curve
        for name in ("response", "service")
        if (curve := quantile_curve(report.histograms.get(name)))
    }
    if "response" not in curves:
        return None
    return _curve_chart(curves, limit=objective_seconds(report), title="Percentile curve", shaded=True)


def compared_chart(reports: Mapping[str, LoadReport]) -> Chart | None:
    """Return the response times of several runs by percentile, by short names."""
    curves = {name: quantile_curve(report.histograms.get("response")) for name, report in reports.items()}
    known = {name: curve for name, curve in curves.items() if curve}
    return _curve_chart(known, limit=None, title="Response times", shaded=False) if known else None


def tier_chart(report: LoadReport) -> Chart | None:
    """Return who answered over time, stacked; None where no answer named a tier."""
    tiers = ordered_tiers(report.tier_counts)
    if not report.points or not any(point.tiers for point in report.points) or not tiers:
        return None
    across, upward = time_scale(_length(report)), share_scale()
    strokes, ends, below = [], [], [0.0] * len(report.points)
    for tier in tiers:
        above = [low + _share(point, tier) for low, point in zip(below, report.points, strict=True)]
        path = _band(report.points, below, above, across=across, upward=upward)
        strokes.append(Stroke(kind="band", ink=ink_of(tier), path=path))
        last = _last_answered(report.points)
        middle = upward.place((below[last] + above[last]) / 2) / 10
        ends.append(EndLabel(tick=Tick(percent=middle, label=tier), ink=ink_of(tier)))
        below = above
    total = sum(report.tier_counts.values())
    shares = ", ".join(f"{tier} {percent(report.tier_counts[tier] / total)}" for tier in tiers)
    return Chart(
        title="Who answered",
        description=f"Share of answers by cache tier over time; in all: {shares}",
        height=TALL - 60,
        across=across,
        upward=upward,
        strokes=tuple(strokes),
        labels=_spread(ends, height=TALL - 60),
        columns=_columns(report, across),
    )


def ordered_tiers(counts: Mapping[str, int]) -> list[str]:
    """Return the tiers that answered, the nearest first, unknown ones last."""
    known = [str(tier) for tier in Tier]
    return sorted(
        (tier for tier, count in counts.items() if count), key=lambda tier: (_place(tier, known), tier)
    )


def ink_of(tier: str) -> str:
    """Return the colour of a tier."""
    return _TIER_INKS.get(tier, "f")


def quantile_curve(sparse: object) -> list[tuple[float, float]]:
    """Return (share, seconds) from p50 to where the sample ends, p99.99 at most; empty for a small sample."""
    histogram = Histogram.from_sparse(sparse) if isinstance(sparse, Mapping) else Histogram()
    size = histogram.count
    if size < 4 * _MARGIN:
        return []
    last = min(0.9999, 1 - _MARGIN / size)
    ratio = ((1 - last) / 0.5) ** (1 / (_CURVE_POINTS - 1))
    shares = [1 - 0.5 * ratio**step for step in range(_CURVE_POINTS)]
    values = histogram.values_at_ranks([max(1, round(share * size)) for share in shares])
    return [(share, value / 1e6) for share, value in zip(shares, values, strict=True)]


def _latency_chart(report: LoadReport, across: Scale, columns: tuple[Column, ...]) -> Chart:
    rows = {
        "p99": [point.p99_seconds for point in report.points],
        "p95": [point.p95_seconds for point in report.points],
        "p50": [point.p50_seconds for point in report.points],
    }
    limit = objective_seconds(report)
    known = [value for row in rows.values() for value in row if value is not None]
    upward = duration_scale([*known, *([limit[1]] if limit else [])])
    strokes, ends = _limit_stroke(limit, upward)
    for name, row in rows.items():
        ink, dash = _LINES[name]
        strokes.append(
            Stroke(kind="line", ink=ink, dash=dash, path=_line(report.points, row, across, upward))
        )
        last = next((value for value in reversed(row) if value is not None), None)
        if last is not None:
            ends.append(EndLabel(tick=Tick(percent=upward.place(last) / 10, label=name), ink=ink))
    return Chart(
        title="Response time",
        description="p50, p95 and p99 of the response time by when requests were planned, on a logarithmic scale",
        height=TALL,
        across=across,
        upward=upward,
        strokes=tuple(strokes),
        labels=_spread(ends, height=TALL),
        columns=columns,
    )


def _rate_chart(report: LoadReport, across: Scale, columns: tuple[Column, ...]) -> Chart:
    planned = [point.planned / point.length_seconds for point in report.points]
    answered = [point.answered / point.length_seconds for point in report.points]
    upward = count_scale([*planned, *answered])
    ends = [
        EndLabel(tick=Tick(percent=upward.place(planned[-1]) / 10, label="planned"), ink="f"),
        EndLabel(tick=Tick(percent=upward.place(answered[-1]) / 10, label="answered"), ink="c"),
    ]
    return Chart(
        title="Requests a second",
        description="Planned requests a second, and how many of them were answered",
        height=MIDDLE,
        across=across,
        upward=upward,
        strokes=(
            Stroke(kind="area", ink="f", path=_area(report.points, planned, across, upward)),
            Stroke(kind="line", ink="c", path=_line(report.points, answered, across, upward)),
        ),
        labels=_spread(ends, height=MIDDLE),
        columns=columns,
    )


def _error_chart(report: LoadReport, across: Scale, columns: tuple[Column, ...]) -> Chart:
    errors = [point.errors / point.length_seconds for point in report.points]
    upward = count_scale(errors, most_ticks=2)
    bars = [
        f"M{across.place(point.second):.1f},{SIDE:.0f} V{upward.place(value):.1f}"
        f" H{across.place(point.second + point.length_seconds):.1f} V{SIDE:.0f} Z"
        for point, value in zip(report.points, errors, strict=True)
        if value
    ]
    return Chart(
        title="Errors a second",
        description="Errors a second, by when the requests were planned",
        height=LOW,
        across=across,
        upward=upward,
        strokes=(Stroke(kind="bars", ink="bad", path=" ".join(bars)),),
        columns=columns,
    )


def _curve_chart(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    *,
    limit: tuple[str, float] | None,
    title: str,
    shaded: bool,
) -> Chart:
    everything = [seconds for curve in curves.values() for _, seconds in curve]
    across, upward = percentile_scale(), duration_scale([*everything, *([limit[1]] if limit else [])])
    strokes, ends = _limit_stroke(limit, upward)
    if shaded and len(curves) > 1:
        upper, lower = list(curves.values())[:2]
        outline = [*_places(upper, across, upward), *reversed(_places(lower, across, upward))]
        strokes.append(Stroke(kind="area", ink="f", path="M" + " L".join(outline) + " Z"))
    for place, (name, curve) in enumerate(curves.items()):
        ink, dash = _PLAIN[place % len(_PLAIN)], _DASHES[place % len(_DASHES)]
        path = "M" + " L".join(_places(curve, across, upward))
        strokes.append(Stroke(kind="line", ink=ink, dash=dash, path=path))
        ends.append(EndLabel(tick=Tick(percent=upward.place(curve[-1][1]) / 10, label=name), ink=ink))
    return Chart(
        title=title,
        description=f"Time by percentile from p50 to p99.99 of {', '.join(curves)}, each nine as far from the last",
        height=TALL,
        across=across,
        upward=upward,
        strokes=tuple(strokes),
        labels=_spread(ends, height=TALL),
        columns=_curve_columns(curves, across),
    )


def _limit_stroke(limit: tuple[str, float] | None, upward: Scale) -> tuple[list[Stroke], list[EndLabel]]:
    if limit is None:
        return [], []
    place = upward.place(limit[1])
    stroke = Stroke(kind="limit", ink="bad", path=f"M0,{place:.1f} H{SIDE:.0f}", dash="4 4")
    return [stroke], [EndLabel(tick=Tick(percent=place / 10, label="limit"), ink="bad")]


def _columns(report: LoadReport, across: Scale) -> tuple[Column, ...]:
    return tuple(
        Column(
            begins=across.place(point.second),
            width=across.place(point.length_seconds),
            text=_point_text(point),
        )
        for point in report.points
    )


def _curve_columns(curves: Mapping[str, Sequence[tuple[float, float]]], across: Scale) -> tuple[Column, ...]:
    longest = max(curves.values(), key=len)
    columns = []
    for index, (share, _) in enumerate(longest[:-1]):
        begins = across.place(share)
        named = ", ".join(
            f"{name} {format_duration(curve[index][1])}"
            for name, curve in curves.items()
            if index < len(curve)
        )
        width = across.place(longest[index + 1][0]) - begins
        columns.append(Column(begins=begins, width=width, text=f"p{share * 100:.5g}: {named}"))
    return tuple(columns)


def _point_text(point: Point) -> str:
    times = [
        f"{name} {format_duration(value)}"
        for name, value in (
            ("p50", point.p50_seconds),
            ("p95", point.p95_seconds),
            ("p99", point.p99_seconds),
        )
        if value is not None
    ]
    tiers = ", ".join(f"{tier} {_share(point, tier):.0%}" for tier in ordered_tiers(point.tiers))
    parts = [
        f"{clock_label(point.second)}: {point.planned:,} planned, {point.answered:,} answered, {point.errors:,} errors",
        ", ".join(times),
        tiers,
    ]
    return "\n".join(part for part in parts if part)


def _line(points: Sequence[Point], values: Sequence[float | None], across: Scale, upward: Scale) -> str:
    """Draw values in the middle of their stretches; a stretch without a value is a gap, not a straight line."""
    parts = []
    paired = list(zip(points, values, strict=True))
    for known, group in groupby(paired, key=lambda each: each[1] is not None):
        if known:
            places = [
                f"{across.place(point.second + point.length_seconds / 2):.1f},{upward.place(value or 0.0):.1f}"
                for point, value in group
            ]
            parts.append("M" + " L".join(places if len(places) > 1 else places * 2))
    return " ".join(parts)


def _area(points: Sequence[Point], values: Sequence[float], across: Scale, upward: Scale) -> str:
    steps = [
        f"L{across.place(point.second):.1f},{upward.place(value):.1f}"
        f" H{across.place(point.second + point.length_seconds):.1f}"
        for point, value in zip(points, values, strict=True)
    ]
    return f"M{across.place(points[0].second):.1f},{SIDE:.0f} {' '.join(steps)} V{SIDE:.0f} Z"


def _band(
    points: Sequence[Point], below: Sequence[float], above: Sequence[float], *, across: Scale, upward: Scale
) -> str:
    parts = []
    rows = list(zip(points, below, above, strict=True))
    for answered, group in groupby(rows, key=lambda row: bool(row[0].tiers)):
        if answered:
            stretch = list(group)
            upper = [
                f"{across.place(point.second):.1f},{upward.place(high):.1f}"
                f" {across.place(point.second + point.length_seconds):.1f},{upward.place(high):.1f}"
                for point, _, high in stretch
            ]
            lower = [
                f"{across.place(point.second + point.length_seconds):.1f},{upward.place(low):.1f}"
                f" {across.place(point.second):.1f},{upward.place(low):.1f}"
                for point, low, _ in reversed(stretch)
            ]
            parts.append("M" + " L".join([*upper, *lower]) + " Z")
    return " ".join(parts)


def _places(curve: Sequence[tuple[float, float]], across: Scale, upward: Scale) -> list[str]:
    return [f"{across.place(share):.1f},{upward.place(seconds):.1f}" for share, seconds in curve]


def _spread(labels: Sequence[EndLabel], *, height: int) -> tuple[EndLabel, ...]:
    ticks = spread([label.tick for label in labels], distance=100 * _LABEL_PIXELS / height)
    return tuple(EndLabel(tick=tick, ink=label.ink) for tick, label in zip(ticks, labels, strict=True))


def _without_names(chart: Chart) -> Chart:
    from dataclasses import replace

    return replace(chart, names_across=False)


def _share(point: Point, tier: str) -> float:
    total = sum(point.tiers.values())
    return point.tiers.get(tier, 0) / total if total else 0.0


def _last_answered(points: Sequence[Point]) -> int:
    return max(place for place, point in enumerate(points) if point.tiers)


def _place(tier: str, known: Sequence[str]) -> int:
    return known.index(tier) if tier in known else len(known)


def _length(report: LoadReport) -> float:
    last = report.points[-1]
    return max(report.duration_seconds, last.second + last.length_seconds)
