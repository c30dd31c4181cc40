"""What do the percentile curves of load runs hold: response beside service time, or several runs."""

from collections.abc import Mapping, Sequence

from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.model import LoadReport
from opsctl.bench.load.words import objective_seconds
from opsctl.core.units import format_duration
from opsctl.ui.chart import TALL, Chart, Column, EndLabel, Stroke, limit_stroke, spread_labels
from opsctl.ui.scales import Scale, Tick, duration_scale, percentile_scale

_INKS = ("a", "b", "c", "d", "e", "f")
_DASHES = ("", "6 3", "2 3", "9 3 2 3", "1 4", "12 4")  # a second mark beside colour
_MARGIN = (
    3.69  # -ln(0.025): the number of answers above a quantile from which its upper bound lies in the sample
)
_CURVE_POINTS = 160


def percentile_chart(report: LoadReport) -> Chart | None:
    """Return response beside service time by percentile, what lies between being the waiting; None without a sample."""
    curves = {
        name: curve
        for name in ("response", "service")
        if (curve := quantile_curve(report.histograms.get(name)))
    }
    if "response" not in curves:
        return None
    return _curve_chart(curves, limit=objective_seconds(report), title="Response beside service", shaded=True)


def compared_chart(reports: Mapping[str, LoadReport]) -> Chart | None:
    """Return the response times of several runs by percentile, by short names."""
    curves = {name: quantile_curve(report.histograms.get("response")) for name, report in reports.items()}
    known = {name: curve for name, curve in curves.items() if curve}
    return (
        _curve_chart(known, limit=None, title="Response time by percentile", shaded=False) if known else None
    )


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


def _curve_chart(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    *,
    limit: tuple[str, float] | None,
    title: str,
    shaded: bool,
) -> Chart:
    everything = [seconds for curve in curves.values() for _, seconds in curve]
    across, upward = percentile_scale(), duration_scale([*everything, *([limit[1]] if limit else [])])
    strokes, ends = limit_stroke(limit, upward)
    if shaded and len(curves) > 1:
        upper, lower = list(curves.values())[:2]
        outline = [*_places(upper, across, upward), *reversed(_places(lower, across, upward))]
        strokes.append(Stroke(kind="area", ink="f", path="M" + " L".join(outline) + " Z"))
    for place, (name, curve) in enumerate(curves.items()):
        ink, dash = _INKS[place % len(_INKS)], _DASHES[place % len(_DASHES)]
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
        labels=spread_labels(ends, height=TALL),
        columns=_curve_columns(curves, across),
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


def _places(curve: Sequence[tuple[float, float]], across: Scale, upward: Scale) -> list[str]:
    return [f"{across.place(share):.1f},{upward.place(seconds):.1f}" for share, seconds in curve]
