"""What does the page of latency curves hold: coordinates, ticks and table cells for the template."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from opsctl.bench.model import LatencyRun
from opsctl.core.units import format_duration
from opsctl.ui.figures import milliseconds, significant
from opsctl.ui.reports import render_report
from opsctl.ui.scales import decade_bounds, decade_steps
from opsctl.vectors.statistics import Ratio
from opsctl.vectors.summary import SHARES, ArmComparison, ArmSummary, TailEstimate, curve

WIDTH, HEIGHT = 720, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 116, 16, 40
_DASHES = ("", "7 4", "2 3", "10 3 2 3")  # a second mark beside colour, for who cannot tell the colours apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    place: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve: its SVG path, how it is drawn, and where its name stands."""

    name: str
    path: str
    dash: str
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart, ready to be written as SVG."""

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM


def render_latency_page(runs: Mapping[str, LatencyRun]) -> str:
    """Return one HTML page of runs by id: no script, no outside resource, every text escaped."""
    return render_report(
        "latency.html.j2",
        sections=[_section(run_id, run) for run_id, run in runs.items()],
        width=WIDTH,
        height=HEIGHT,
    )


def build_chart(curves: Mapping[str, Sequence[tuple[float, float]]], *, title: str) -> Chart:
    """Return a chart of quantile curves: nines to the right, milliseconds upward on a log scale."""
    everything = [point for points in curves.values() for point in points]
    nines = max(1.0, *(_nines(share) for share, _ in everything))
    low, high = decade_bounds([seconds for _, seconds in everything])
    drawn = [
        _line(name, points, nines=nines, low=low, high=high, dash=_DASHES[index % len(_DASHES)])
        for index, (name, points) in enumerate(curves.items())
    ]
    return Chart(
        title=title,
        lines=_spread(drawn),
        x_ticks=_percentile_ticks(nines),
        y_ticks=_time_ticks(low, high),
    )


def _section(run_id: str, run: LatencyRun) -> dict[str, object]:
    report = run.report
    arms = run.measurement.arms
    charts = (
        build_chart({each.arm.name: curve(each.engine_ns) for each in arms}, title="Engine time"),
        build_chart({each.arm.name: curve(each.client_ns) for each in arms}, title="Client time"),
    )
    return {
        "run_id": run_id,
        "report": report,
        "charts": charts,
        "shares": [f"p{share * 100:g}" for share in SHARES],
        "rows": [row for arm in report.arms for row in _rows(arm)],
        "ratios": [
            (each.baseline, each.clock, f"p{each.quantile * 100:g}", _ratio(each.ratio), _verdict(each))
            for each in report.comparisons
        ],
        "took": format_duration(report.duration_seconds),
    }


def _rows(arm: ArmSummary) -> list[dict[str, object]]:
    recall = arm.recall
    seen = f"{recall.value:.3f} ({recall.low:.3f} to {recall.high:.3f})" if recall else "-"
    return [
        {"arm": arm.name, "clock": "engine", "cells": [_cell(tail) for tail in arm.engine], "recall": seen},
        {"arm": arm.name, "clock": "client", "cells": [_cell(tail) for tail in arm.client], "recall": seen},
    ]


def _cell(tail: TailEstimate) -> tuple[str, str]:
    if tail.value is None or tail.low is None or tail.high is None:
        return "-", f"needs {tail.needed:,} queries"
    return milliseconds(tail.value), f"{milliseconds(tail.low)} to {milliseconds(tail.high)}"


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return "-"
    return f"{significant(ratio.value)}x ({significant(ratio.low)} to {significant(ratio.high)})"


def _verdict(comparison: ArmComparison) -> str:
    verdict = comparison.verdict.replace("_", " ")
    return verdict if comparison.is_equal_recall else f"{verdict}, equal recall not shown"


def _line(
    name: str, points: Sequence[tuple[float, float]], *, nines: float, low: float, high: float, dash: str
) -> Line:
    places = [(_x(_nines(share), nines), _y(seconds, low, high)) for share, seconds in points if seconds > 0]
    path = "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in places) if places else ""
    end = places[-1] if places else (_LEFT, HEIGHT / 2)
    return Line(name=name, path=path, dash=dash, label_x=end[0] + 8, label_y=end[1] + 4)


def _spread(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Move the names apart, so that curves that end close together can still be told."""
    from dataclasses import replace

    order = sorted(range(len(lines)), key=lambda index: lines[index].label_y)
    moved = list(lines)
    for above, below in pairwise(order):
        lowest = moved[above].label_y + 16
        moved[below] = replace(moved[below], label_y=max(moved[below].label_y, lowest))
    return tuple(moved)


def _nines(share: float) -> float:
    return -math.log10(max(1e-9, 1 - share))


def _x(nines: float, most: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * nines / most


def _y(seconds: float, low: float, high: float) -> float:
    part = (math.log(seconds) - math.log(low)) / (math.log(high) - math.log(low))
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * part


def _time_ticks(low: float, high: float) -> tuple[Tick, ...]:
    return tuple(
        Tick(place=_y(step, low, high), label=f"{step * 1000:g} ms") for step in decade_steps(low, high)
    )


def _percentile_ticks(nines: float) -> tuple[Tick, ...]:
    shares = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999)
    return tuple(
        Tick(place=_x(_nines(share), nines), label=f"p{share * 100:g}")
        for share in shares
        if _nines(share) <= nines + 1e-9
    )
