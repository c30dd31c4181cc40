"""What stands in the tables of a page of load runs: every figure of its charts, as text."""

from collections.abc import Iterator

from opsctl.bench.load.model import LoadReport, Percentiles
from opsctl.bench.load.waterfall import OUTSIDE, waterfall
from opsctl.bench.load.words import amount, hint_for, interval_text, missing_reason, percent
from opsctl.core.units import format_duration
from opsctl.evidence.model import Verdict
from opsctl.ui.figures import recorded_milliseconds
from opsctl.ui.load_charts import ink_of, ordered_tiers
from opsctl.ui.scales import clock_label

SHARES = (0.5, 0.9, 0.95, 0.99, 0.999)

_MOST_ROWS = 60
_VERDICTS = {
    Verdict.PASS: ("✔ pass", "good"),
    Verdict.FAIL: ("✘ fail", "bad"),
    Verdict.INCONCLUSIVE: ("? cannot tell", "doubt"),
}


def gate_rows(report: LoadReport) -> Iterator[dict[str, str]]:
    """Yield each gate with what was measured and its verdict; an invalid run's gates are not judged."""
    for gate in report.gates:
        word, ink = _VERDICTS[gate.verdict] if report.is_valid else ("not judged", "soft")
        yield {
            "gate": f"{gate.gate} (ends the run)" if gate.is_abort else gate.gate,
            "value": amount(gate.value, unit=gate.unit),
            "interval": interval_text(gate),
            "word": word,
            "ink": ink,
        }


def latency_rows(report: LoadReport) -> Iterator[dict[str, object]]:
    """Yield response, service, waiting and lag, then each endpoint, by percentile."""
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
    yield from (percentile_cell(part, share) for share in SHARES)
    yield recorded_milliseconds(part.maximum_seconds) if part.count else "-", ""


def percentile_cell(part: Percentiles, share: float) -> tuple[str, str]:
    """Return a percentile in milliseconds over its interval, or a dash over why the sample does not support it."""
    found = part.at(share)
    if found is None:
        return "-", missing_reason(part, share)
    return (
        recorded_milliseconds(found.value),
        f"{recorded_milliseconds(found.low)} to {recorded_milliseconds(found.high)}",
    )


def tier_rows(report: LoadReport) -> Iterator[dict[str, object]]:
    """Yield each tier with its share and times."""
    total = sum(report.tier_counts.values())
    for tier in ordered_tiers(report.tier_counts):
        part = report.tiers.get(tier)
        cells = [percentile_cell(part, share) if part else ("-", "") for share in (0.5, 0.99)]
        yield {
            "name": tier,
            "ink": ink_of(tier),
            "share": percent(report.tier_counts[tier] / total),
            "count": f"{report.tier_counts[tier]:,}",
            "cells": cells,
        }


def waterfalls(report: LoadReport) -> Iterator[dict[str, object]]:
    """Yield the stages of each tier's mean answer, in percent of its whole time."""
    for tier in ordered_tiers(dict.fromkeys(report.stages, 1)):
        bars = waterfall(report, tier)
        whole = max((bar.begins_seconds + bar.seconds for bar in bars), default=0.0)
        if whole > 0:
            yield {
                "tier": tier,
                "whole": format_duration(whole),
                "bars": [
                    {
                        "name": bar.name,
                        "ink": "f" if bar.name == OUTSIDE else ink_of(tier),
                        "left": 100 * bar.begins_seconds / whole,
                        "width": 100 * bar.seconds / whole,
                        "begins": recorded_milliseconds(bar.begins_seconds),
                        "takes": recorded_milliseconds(bar.seconds),
                    }
                    for bar in bars
                ],
            }


def outcome_rows(report: LoadReport) -> Iterator[dict[str, str]]:
    """Yield what became of the requests, good answers first."""
    for name, count in sorted(report.outcomes.items(), key=lambda each: (each[0] != "ok", -each[1])):
        if count:
            yield {
                "name": name,
                "count": f"{count:,}",
                "share": percent(count / report.planned) if report.planned else "-",
                "hint": hint_for(name),
            }


def rows_over_time(report: LoadReport) -> Iterator[tuple[str, ...]]:
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
    return recorded_milliseconds(max(known)) if known else "-"
