"""What of a load goes into the evidence ledger: its figures, and the digests of what went in."""

from collections.abc import Mapping
from datetime import datetime

from opsctl.bench.load.model import LoadReport
from opsctl.bench.load.tally import Tier
from opsctl.core.findings import Severity
from opsctl.evidence.model import Evidence

Figure = str | float | int | None
_SHARES = {0.5: "p50", 0.95: "p95", 0.99: "p99", 0.999: "p99.9"}


def load_evidence(report: LoadReport, *, run_id: str, started_at: datetime) -> Evidence:
    """Return the evidence of a load."""
    return Evidence(
        kind="bench.load",
        subject=report.load,
        verdict=report.verdict,
        figures=_figures(report, run_id=run_id),
        inputs={"plan": report.plan_digest, "book": _book(report)},
        tools={
            "engine": report.engine,
            "python": report.fingerprint.get("machine.python", "-"),
            "vectors": report.fingerprint.get("engine.version", "-"),
        },
        started_at=started_at,
        duration_seconds=round(report.duration_seconds, 3),
        simulated=_simulated(report),
    )


def _simulated(report: LoadReport) -> tuple[str, ...]:
    """Return what was simulated: readers are, but for those of a log, who really asked that once."""
    return report.simulated if report.extra.get("replayed") else (*report.simulated, "readers")


def _book(report: LoadReport) -> str:
    """Return the digest of the book; of a log that was replayed, or a part of the book, another one: it is no run of the book."""
    if report.extra.get("replayed"):
        return f"{report.book_digest} replaced by a log"
    return f"{report.book_digest} not run to its end" if report.aborted else report.book_digest


def _figures(report: LoadReport, *, run_id: str) -> dict[str, Figure]:
    figures: dict[str, Figure] = {
        "run": run_id,
        "loop": report.loop,
        "planned": report.planned,
        "sent": report.sent,
        "planned_rate": round(report.planned_rate, 2),
        "achieved_rate": round(report.achieved_rate, 2),
        "goodput_rate": round(report.goodput_rate, 2),
        "users": report.extra.get("warm_up", {}).get("users"),
        "error_rate": round(report.error_rate, 6),
        "availability": round(1.0 - report.error_rate, 6),
        "hit_ratio": None if report.hit_ratio is None else round(report.hit_ratio, 4),
        "fresh_hit_ratio": _fresh_hits(report.tier_counts),
    }
    for clock, percentiles in (("response", report.response), ("service", report.service)):
        for share, name in _SHARES.items():
            estimate = percentiles.at(share)
            figures[f"{clock}.{name}_ms"] = None if estimate is None else round(estimate.value * 1000, 3)
    if report.recall is not None:
        figures["recall"] = None if report.recall.value is None else round(report.recall.value, 4)
    for check in report.gates:
        if check.metric == "rate" and not check.is_abort and check.value is not None:
            figures["busiest_rate"] = round(check.value, 2)
    figures["gates"] = "; ".join(f"{gate.gate}: {gate.verdict.value}" for gate in report.gates) or "none"
    invalid = [problem.code for problem in report.problems if problem.severity is Severity.ERROR]
    figures["invalid_because"] = ", ".join(dict.fromkeys(invalid)) or "nothing"
    figures["simulated"] = ", ".join(_simulated(report)) or "nothing"
    return figures


def _fresh_hits(tier_counts: Mapping[str, int]) -> float | None:
    """Return the part that L1 answered and had not to make anew: behind a stale answer a feed is made all the same."""
    named = sum(tier_counts.get(tier, 0) for tier in (Tier.L1, Tier.STALE, Tier.L2, Tier.MISS))
    return round(tier_counts.get(Tier.L1, 0) / named, 6) if named else None
