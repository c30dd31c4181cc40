"""What does the page of load runs hold: verdicts, charts, and every figure as a table cell for the template."""

from collections.abc import Iterator, Mapping
from string import ascii_uppercase

from opsctl import assets
from opsctl.bench.load.model import LoadReport, Percentiles
from opsctl.bench.load.waterfall import waterfall
from opsctl.bench.load.words import (
    Standing,
    amount,
    hint_for,
    next_steps,
    percent,
    rate,
    reasons_invalid,
    standing_of,
    verdict_sentence,
)
from opsctl.core.findings import Severity
from opsctl.core.quantiles import QuantileEstimate
from opsctl.core.units import format_bytes, format_duration
from opsctl.evidence.model import Verdict
from opsctl.ui.figures import milliseconds
from opsctl.ui.load_charts import (
    charts_over_time,
    compared_chart,
    ink_of,
    ordered_tiers,
    percentile_chart,
    tier_chart,
)
from opsctl.ui.scales import clock_label
from opsctl.vectors.summary import size_needed

SHARES = (0.5, 0.9, 0.95, 0.99, 0.999)

_MOST_ROWS = 60
_SIGNS = {
    Standing.HOLDS: ("✔", "good"),
    Standing.MISSES: ("✘", "bad"),
    Standing.CANNOT_TELL: ("?", "doubt"),
    Standing.INVALID: ("✘", "bad"),
    Standing.MEASURED: ("✔", "good"),
}
_VERDICTS = {
    Verdict.PASS: ("✔ pass", "good"),
    Verdict.FAIL: ("✘ fail", "bad"),
    Verdict.INCONCLUSIVE: ("? cannot tell", "doubt"),
}


def render_load_page(reports: Mapping[str, LoadReport]) -> str:
    """Return one HTML page of runs by id: no script, no outside resource, every text escaped.

    Several runs get an overview side by side before the page of each.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(assets.templates() / "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = dict(zip(reports, _letters(len(reports)), strict=True))
    template = environment.get_template("load.html.j2")
    return template.render(
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
    fingerprints = [report.fingerprint for report in reports.values()]
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
                    *(_cell(report.response.at(share), share)[0] for share in (0.5, 0.95, 0.99)),
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
        "gates": list(_gates(report)),
        "over_time": charts_over_time(report),
        "curve": percentile_chart(report),
        "tier_chart": tier_chart(report),
        "latencies": list(_latencies(report)),
        "tiers": list(_tiers(report)),
        "falls": list(_falls(report)),
        "outcomes": list(_outcomes(report)),
        "reasons_of_errors": sorted(report.reasons.items(), key=lambda each: -each[1])[:10],
        "rows_over_time": list(_rows_over_time(report)),
        "steps": list(next_steps(report)),
        "method": list(_method(report, run_id=run_id)),
    }


def _standing(report: LoadReport) -> dict[str, str]:
    standing = standing_of(report)
    sign, ink = _SIGNS[standing]
    return {"sign": sign, "ink": ink, "word": str(standing)}


def _tiles(report: LoadReport) -> list[tuple[str, str, str]]:
    middle, tail = report.response.at(0.5), report.response.at(0.99)
    tiles = [
        ("Achieved", rate(report.achieved_rate), f"of {rate(report.planned_rate)} planned"),
        ("p50", format_duration(middle.value) if middle else "-", _between(middle, 0.5)),
        ("p99", format_duration(tail.value) if tail else "-", _between(tail, 0.99)),
        ("Errors", percent(report.error_rate), f"of {report.planned:,} requests"),
    ]
    if report.hit_ratio is not None:
        tiles.append(("Hit ratio", percent(report.hit_ratio), "L1 and stale answers"))
    return tiles


def _between(estimate: QuantileEstimate | None, share: float) -> str:
    if estimate is None:
        return f"needs {size_needed(share):,} answers"
    return f"{format_duration(estimate.low)} to {format_duration(estimate.high)}"


def _gates(report: LoadReport) -> Iterator[dict[str, str]]:
    for gate in report.gates:
        word, ink = _VERDICTS[gate.verdict] if report.is_valid else ("not judged", "soft")
        known = gate.low is not None and gate.high is not None
        yield {
            "gate": f"{gate.gate} (ends the run)" if gate.is_abort else gate.gate,
            "value": amount(gate.value, unit=gate.unit),
            "interval": f"{amount(gate.low, unit=gate.unit)} to {amount(gate.high, unit=gate.unit)}"
            if known
            else "-",
            "word": word,
            "ink": ink,
        }


def _latencies(report: LoadReport) -> Iterator[dict[str, object]]:
    parts = {
        "Response": report.response,
        "Service": report.service,
        "Queue wait": report.queue_wait,
        "Generator lag": report.generator_lag,
    }
    parts |= {f"Response of {name}": part for name, part in report.endpoints.items() if part.count}
    for name, part in parts.items():
        yield {"name": name, "count": f"{part.count:,}", "cells": list(_percentile_cells(part))}


def _percentile_cells(part: Percentiles) -> Iterator[tuple[str, str]]:
    yield from (_cell(part.at(share), share) for share in SHARES)
    yield milliseconds(part.maximum_seconds) if part.count else "-", ""


def _cell(estimate: QuantileEstimate | None, share: float) -> tuple[str, str]:
    if estimate is None:
        return "-", f"needs {size_needed(share):,}"
    return milliseconds(estimate.value), f"{milliseconds(estimate.low)} to {milliseconds(estimate.high)}"


def _tiers(report: LoadReport) -> Iterator[dict[str, object]]:
    total = sum(report.tier_counts.values())
    for tier in ordered_tiers(report.tier_counts):
        part = report.tiers.get(tier)
        cells = [_cell(part.at(share) if part else None, share) for share in (0.5, 0.99)]
        yield {
            "name": tier,
            "ink": ink_of(tier),
            "share": percent(report.tier_counts[tier] / total),
            "count": f"{report.tier_counts[tier]:,}",
            "cells": cells,
        }


def _falls(report: LoadReport) -> Iterator[dict[str, object]]:
    for tier in ordered_tiers(dict.fromkeys(report.stages, 1)):
        bars = waterfall(report, tier)
        whole = max((bar.begins_seconds + bar.seconds for bar in bars), default=0.0)
        if whole > 0:
            yield {
                "tier": tier,
                "ink": ink_of(tier),
                "whole": format_duration(whole),
                "bars": [
                    {
                        "name": bar.name,
                        "left": 100 * bar.begins_seconds / whole,
                        "width": 100 * bar.seconds / whole,
                        "begins": milliseconds(bar.begins_seconds),
                        "takes": milliseconds(bar.seconds),
                    }
                    for bar in bars
                ],
            }


def _outcomes(report: LoadReport) -> Iterator[dict[str, str]]:
    for name, count in sorted(report.outcomes.items(), key=lambda each: (each[0] != "ok", -each[1])):
        if count:
            yield {
                "name": name,
                "count": f"{count:,}",
                "share": percent(count / report.planned) if report.planned else "-",
                "hint": hint_for(name),
            }


def _rows_over_time(report: LoadReport) -> Iterator[tuple[str, ...]]:
    """Yield the figures of the charts; in long runs several points a row, with the worst of them."""
    points = report.points
    size = max(1, -(-len(points) // _MOST_ROWS))
    for start in range(0, len(points), size):
        group = points[start : start + size]
        length = sum(point.length_seconds for point in group)
        tiers = sum(sum(point.tiers.values()) for point in group)
        hits = sum(point.tiers.get("HIT-L1", 0) + point.tiers.get("STALE", 0) for point in group)
        named = tiers - sum(point.tiers.get("none", 0) for point in group)
        yield (
            clock_label(group[0].second),
            f"{sum(point.planned for point in group) / length:,.4g}",
            *(
                _worst([point.p50_seconds, point.p95_seconds, point.p99_seconds][place] for point in group)
                for place in range(3)
            ),
            f"{sum(point.errors for point in group):,}",
            percent(hits / named) if named else "-",
        )


def _worst(values: Iterator[float | None]) -> str:
    known = [value for value in values if value is not None]
    return milliseconds(max(known)) if known else "-"


def _method(report: LoadReport, *, run_id: str) -> Iterator[tuple[str, str]]:
    yield "Run", run_id
    yield "Target", report.target
    yield "Engine", f"{report.engine}, {_loop(report)}"
    yield "Sent by", f"{report.processes} processes of {report.connections} connections"
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
