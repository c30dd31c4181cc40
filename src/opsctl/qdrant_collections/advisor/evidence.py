"""What of a plan goes into the evidence ledger: the advice, the figures, the digests of what went in."""

from collections.abc import Mapping
from datetime import datetime

from opsctl.evidence.model import Evidence, Verdict, digest_of
from opsctl.qdrant_collections.advisor.model import Advice, CombinationPlan, PlanReport


def verdict_of(plan: CombinationPlan) -> Verdict:
    """Return whether the plan has an answer: every advice but `cannot tell` is one."""
    return Verdict.INCONCLUSIVE if plan.recommendation.advice is Advice.CANNOT_TELL else Verdict.PASS


def plan_evidence(
    report: PlanReport, plan: CombinationPlan, *, queries: str, engine: str, started_at: datetime
) -> Evidence:
    """Return the evidence of one combination."""
    said, measured = plan.recommendation, plan.measured
    figures: dict[str, str | float | int | None] = {
        "advice": said.advice.value,
        "reason": said.reason,
        "break_even_queries_per_second": said.break_even_queries_per_second,
        "points": measured.points,
        "source_points": measured.source_points,
        "sampled_of": report.sampled_of,
        "k": report.limit,
    }
    for strategy, arm in measured.arms.items():
        figures[f"{strategy} recall"] = round(arm.recall.value, 4) if arm.recall else None
        for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
            value = arm.engine_at(share).value
            figures[f"{strategy} engine {name}_ms"] = None if value is None else round(value * 1000, 4)
    return Evidence(
        kind="collections.plan",
        subject=measured.combination.name,
        verdict=verdict_of(plan),
        figures=figures,
        inputs={"queries": queries, "filter": digest_of(str(measured.combination.filter))},
        tools=tools(engine),
        started_at=started_at,
        duration_seconds=round(report.duration_seconds, 3),
    )


def tools(engine: str) -> Mapping[str, str]:
    """Return what did the work."""
    from opsctl import __version__

    return {"opsctl": __version__, "engine": engine}
