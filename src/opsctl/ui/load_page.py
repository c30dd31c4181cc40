"""What does the page of load runs hold: verdicts, charts, and every figure as a table cell for the template."""

from collections.abc import Iterator, Mapping
from string import ascii_uppercase

from opsctl.bench.load.model import LoadReport, Percentiles
from opsctl.bench.load.stored import fingerprint_of
from opsctl.bench.load.words import (
    Standing,
    missing_reason,
    next_steps,
    percent,
    reasons_invalid,
    standing_of,
    verdict_sentence,
)
from opsctl.core.findings import Severity
from opsctl.core.units import format_bytes, format_duration
from opsctl.ui.load_charts import charts_over_time, tier_chart
from opsctl.ui.load_curves import compared_chart, percentile_chart
from opsctl.ui.load_tables import (
    SHARES,
    gate_rows,
    latency_rows,
    outcome_rows,
    percentile_cell,
    rows_over_time,
    tier_rows,
    waterfalls,
)
from opsctl.ui.reports import render_report

_SIGNS = {
    Standing.HOLDS: ("✔", "good"),
    Standing.MISSES: ("✘", "bad"),
    Standing.CANNOT_TELL: ("?", "doubt"),
    Standing.INVALID: ("✘", "bad"),
    Standing.MEASURED: ("✔", "good"),
}


def render_load_page(reports: Mapping[str, LoadReport]) -> str:
    """Return one HTML page of runs by id: no script, no outside resource, every text escaped.

    Several runs get an overview side by side before the page of each.
    """
    names = dict(zip(reports, _letters(len(reports)), strict=True))
    return render_report(
        "load.html.j2",
        title=_title(reports),
        sections=[_section(run_id, report, name=names[run_id]) for run_id, report in reports.items()],
        overview=_overview(reports, names) if len(reports) > 1 else None,
        shares=[f"p{share * 100:g}" for share in SHARES],
    )


def _title(reports: Mapping[str, LoadReport]) -> str:
    if len(reports) == 1:
        report = next(iter(reports.values()))
        return f"Load {report.load}: {standing_of(report)}"
    return f"{len(reports)} load runs"


def _letters(count: int) -> list[str]:
    return [
        ascii_uppercase[place] if place < len(ascii_uppercase) else f"R{place + 1}" for place in range(count)
    ]


def _overview(reports: Mapping[str, LoadReport], names: Mapping[str, str]) -> dict[str, object]:
    fingerprints = [fingerprint_of(report) for report in reports.values()]
    every = sorted({name for each in fingerprints for name in each})
    differing = [name for name in every if len({each.get(name) for each in fingerprints}) > 1]
    return {
        "chart": compared_chart({names[run_id]: report for run_id, report in reports.items()}),
        "differing": differing,
        "rows": [
            {
                "name": names[run_id],
                "run_id": run_id,
                "load": report.load,
                "standing": _standing(report),
                "cells": [
                    f"{report.achieved_rate:,.0f}",
                    *(percentile_cell(report.response, share)[0] for share in (0.5, 0.95, 0.99)),
                    percent(report.error_rate),
                    "-" if report.hit_ratio is None else percent(report.hit_ratio),
                ],
            }
            for run_id, report in reports.items()
        ],
    }


def _section(run_id: str, report: LoadReport, *, name: str) -> dict[str, object]:
    return {
        "anchor": f"run-{name}",
        "name": name,
        "run_id": run_id,
        "report": report,
        "standing": _standing(report),
        "sentence": verdict_sentence(report),
        "reasons": reasons_invalid(report),
        "notes": [each for each in report.problems if each.severity is not Severity.ERROR],
        "tiles": _tiles(report),
        "gates": list(gate_rows(report)),
        "over_time": charts_over_time(report),
        "curve": percentile_chart(report),
        "tier_chart": tier_chart(report),
        "latencies": list(latency_rows(report)),
        "tiers": list(tier_rows(report)),
        "falls": list(waterfalls(report)),
        "outcomes": list(outcome_rows(report)),
        "reasons_of_errors": sorted(report.reasons.items(), key=lambda each: -each[1])[:10],
        "rows_over_time": list(rows_over_time(report)),
        "steps": list(next_steps(report)),
        "method": list(_method(report, run_id=run_id)),
    }


def _standing(report: LoadReport) -> dict[str, str]:
    standing = standing_of(report)
    sign, ink = _SIGNS[standing]
    return {"sign": sign, "ink": ink, "word": str(standing)}


def _tiles(report: LoadReport) -> list[tuple[str, str, str]]:
    tiles = [
        ("Requests a second", f"{report.achieved_rate:,.4g}", f"of {report.planned_rate:,.4g} planned"),
        ("p50", *_time_tile(report.response, 0.5)),
        ("p99", *_time_tile(report.response, 0.99)),
        ("Errors", percent(report.error_rate), f"of {report.planned:,} requests"),
    ]
    if report.hit_ratio is not None:
        tiles.append(("Hit ratio", percent(report.hit_ratio), "L1 and stale answers"))
    return tiles


def _time_tile(part: Percentiles, share: float) -> tuple[str, str]:
    found = part.at(share)
    if found is None:
        return "-", missing_reason(part, share)
    return format_duration(found.value), f"{format_duration(found.low)} to {format_duration(found.high)}"


def _method(report: LoadReport, *, run_id: str) -> Iterator[tuple[str, str]]:
    yield "Run", run_id
    yield "Target", report.target
    yield "Engine", f"{report.engine}, {_loop(report)}"
    yield (
        "Sent by",
        f"{report.processes} process{'' if report.processes == 1 else 'es'} of {report.connections} connections",
    )
    yield "Requests", f"{report.planned:,} planned, {report.sent:,} sent, {report.answered:,} answered"
    yield "Length", format_duration(report.duration_seconds)
    yield "Seed", str(report.seed)
    yield "Plan", report.plan_digest
    yield "Book", report.book_digest
    yield "Commit", report.git_commit or "not known"
    yield from ((name, text) for name, text in _sender(report))
    if report.recall is not None:
        yield (
            "Recall",
            f"{report.recall.searches:,} exact searches, {report.recall.skipped:,} not allowed by the budget",
        )
    yield "Simulated", ", ".join(report.simulated) or "nothing"
    if report.aborted:
        yield "Ended early", report.aborted
    yield from sorted(report.fingerprint.items())


def _loop(report: LoadReport) -> str:
    if report.loop == "closed":
        return "closed loop: the next request waits for the last answer, which hides waiting; for comparison only"
    return "open loop: a plan says when each request starts, whether or not the service keeps up"


def _sender(report: LoadReport) -> Iterator[tuple[str, str]]:
    figures = report.sender
    if "cpu_cores" in figures:
        yield "Sender's CPU", f"{figures['cpu_cores']:.2f} cores"
    if "starved_share" in figures:
        yield "Sender waiting for a CPU", percent(figures["starved_share"])
    if "resident_bytes" in figures:
        yield "Sender's memory", format_bytes(figures["resident_bytes"])
