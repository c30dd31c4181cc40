"""What do the charts of a load over time hold: latency, rate and errors, and who answered."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from opsctl.bench.load.model import LoadReport, Point
from opsctl.bench.load.tally import Tier
from opsctl.bench.load.words import objective_seconds, percent
from opsctl.core.units import format_duration
from opsctl.ui.chart import LOW, TALL, Chart, Column, Stroke
from opsctl.ui.scales import SIDE, Scale, clock_label, count_scale, time_scale
from opsctl.ui.time_charts import Band, Frame, Line, joined, latency_chart, rate_chart, share_chart

_LINES: Mapping[str, tuple[str, str]] = {"p99": ("a", ""), "p95": ("b", "6 3"), "p50": ("c", "12 3")}
_TIER_INKS: Mapping[str, str] = {Tier.L1: "c", Tier.STALE: "e", Tier.L2: "d", Tier.MISS: "a", Tier.NONE: "f"}


def charts_over_time(report: LoadReport) -> tuple[Chart, ...]:
    """Return latency, planned rate and errors on one axis of time; none for a run without points."""
    if not report.points:
        return ()
    across = time_scale(_length(report))
    columns = _columns(report, across)
    charts = [_latency_chart(report, across, columns), _rate_chart(report, across, columns)]
    if any(point.errors for point in report.points):
        charts.append(_error_chart(report, across, columns))
    upper = [replace(chart, names_across=False) for chart in charts[:-1]]
    return (*upper, charts[-1])


def tier_chart(report: LoadReport) -> Chart | None:
    """Return who answered over time, stacked; None where no answer named a tier."""
    tiers = ordered_tiers(report.tier_counts)
    if not report.points or not any(point.tiers for point in report.points) or not tiers:
        return None
    total = sum(report.tier_counts.values())
    shares = ", ".join(f"{tier} {percent(report.tier_counts[tier] / total)}" for tier in tiers)
    across = time_scale(_length(report))
    chart = share_chart(
        report.points,
        across,
        bands=[
            Band(
                name=tier,
                ink=ink_of(tier),
                shares=[_share(point, tier) for point in report.points],
                is_always_named=True,
            )
            for tier in tiers
        ],
        is_there=lambda point: bool(point.tiers),
        frame=Frame(
            title="Who answered",
            description=f"Share of answers by cache tier over time; in all: {shares}",
            height=TALL - 60,
        ),
    )
    return replace(chart, columns=_columns(report, across))


def ordered_tiers(counts: Mapping[str, int]) -> list[str]:
    """Return the tiers that answered, the nearest first, unknown ones last."""
    known = [str(tier) for tier in Tier]
    return sorted(
        (tier for tier, count in counts.items() if count), key=lambda tier: (_place(tier, known), tier)
    )


def ink_of(tier: str) -> str:
    """Return the colour of a tier."""
    return _TIER_INKS.get(tier, "f")


def _latency_chart(report: LoadReport, across: Scale, columns: tuple[Column, ...]) -> Chart:
    rows = {
        "p99": [point.p99_seconds for point in report.points],
        "p95": [point.p95_seconds for point in report.points],
        "p50": [point.p50_seconds for point in report.points],
    }
    chart = latency_chart(
        report.points,
        across,
        lines=[
            Line(name=name, ink=_LINES[name][0], dash=_LINES[name][1], values=row)
            for name, row in rows.items()
        ],
        frame=Frame(
            title="Response time",
            description="p50, p95 and p99 of the response time by when requests were planned, on a logarithmic scale",
            height=TALL,
        ),
        limit=objective_seconds(report),
    )
    return replace(chart, columns=columns)


def _rate_chart(report: LoadReport, across: Scale, columns: tuple[Column, ...]) -> Chart:
    chart = rate_chart(
        report.points,
        across,
        whole=("planned", [point.planned / point.length_seconds for point in report.points]),
        part=("answered", [point.answered / point.length_seconds for point in report.points]),
        description="Planned requests a second, and how many of them were answered",
    )
    return replace(chart, columns=columns)


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


def _columns(report: LoadReport, across: Scale) -> tuple[Column, ...]:
    """Return what each stretch says when it is pointed at; long runs join some, and show the worst second of them."""
    columns = []
    for group in joined(report.points):
        begins, length = group[0].second, sum(point.length_seconds for point in group)
        text = _point_text(max(group, key=lambda point: point.p99_seconds or 0.0))
        columns.append(Column(begins=across.place(begins), width=across.place(length), text=text))
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


def _share(point: Point, tier: str) -> float:
    total = sum(point.tiers.values())
    return point.tiers.get(tier, 0) / total if total else 0.0


def _place(tier: str, known: Sequence[str]) -> int:
    return known.index(tier) if tier in known else len(known)


def _length(report: LoadReport) -> float:
    last = report.points[-1]
    return max(report.duration_seconds, last.second + last.length_seconds)
