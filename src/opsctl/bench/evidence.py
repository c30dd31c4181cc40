"""What of a run goes into the evidence ledger: its figures, and the digests of what went in."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from opsctl.bench.filters import CaseResult, is_valid_matrix
from opsctl.bench.model import DERIVED, SOURCE, LatencyReport
from opsctl.evidence.model import Evidence, Verdict, digest_of

Figure = str | float | int | None


def latency_evidence(
    report: LatencyReport, *, run_id: str, machine: Mapping[str, str], started_at: datetime
) -> Evidence:
    """Return the evidence of a latency run."""
    return Evidence(
        kind="bench.latency",
        subject=report.subject,
        verdict=report.verdict,
        figures=_figures(report, run_id=run_id),
        inputs={
            "queries": report.query_digest,
            **{f"config of {state.collection}": state.config_digest for state in report.states},
            "filter": digest_of(report.filter),
        },
        tools={"engine": machine.get("engine.version", "-"), "python": machine.get("machine.python", "-")},
        started_at=started_at,
        duration_seconds=round(report.duration_seconds, 3),
    )


def _figures(report: LatencyReport, *, run_id: str) -> dict[str, Figure]:
    figures: dict[str, Figure] = {"run": run_id, "queries": report.arms[-1].queries, "k": report.limit}
    for arm in report.arms:
        figures[f"{arm.name}.recall"] = _rounded(arm.recall.value if arm.recall else None)
        for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
            figures[f"{arm.name}.engine.{name}_ms"] = _ms(arm.engine_at(share).value)
            figures[f"{arm.name}.client.{name}_ms"] = _ms(arm.client_at(share).value)
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        main = report.comparison(baseline=SOURCE, clock="engine", share=share)
        figures[f"engine.{name}_ratio"] = _rounded(main.ratio.value if main.ratio else None)
        figures[f"engine.{name}_ratio_low"] = _rounded(main.ratio.low if main.ratio else None)
        figures[f"engine.{name}_ratio_high"] = _rounded(main.ratio.high if main.ratio else None)
    figures["comparison"] = f"{SOURCE} against {DERIVED}: {report.comparisons[0].verdict.value}"
    figures["problems"] = ", ".join(problem.code for problem in report.problems) or "none"
    return figures


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def filters_evidence(
    results: Sequence[CaseResult],
    *,
    source: str,
    queries: str,
    machine: Mapping[str, str],
    began: tuple[datetime, float],
) -> Evidence:
    """Return the evidence of a filter matrix; `began` is when it started and how many seconds it took."""
    figures: dict[str, Figure] = {"filters": len(results)}
    for result in results:
        name = f"{result.case.shape} {result.case.selectivity:.2%}"
        for arm in result.arms:
            figures[f"{name} {arm.name} recall"] = _rounded(arm.recall.value if arm.recall else None)
            figures[f"{name} {arm.name} p50_ms"] = _ms(arm.engine_at(0.5).value)
    return Evidence(
        kind="bench.filters",
        subject=source,
        verdict=Verdict.PASS if is_valid_matrix(results) else Verdict.INCONCLUSIVE,
        figures=figures,
        inputs={"queries": queries},
        tools={"engine": machine.get("engine.version", "-"), "python": machine.get("machine.python", "-")},
        started_at=began[0],
        duration_seconds=round(began[1], 3),
    )
