"""What of a drill goes into the ledger."""

from datetime import UTC, datetime, timedelta

from opsctl.dr.drill.judge import DrillVerdict, Goals, Outcome
from opsctl.dr.drill.model import DrillRun
from opsctl.dr.drill.summary import rpo_of
from opsctl.dr.evidence import DRILL
from opsctl.evidence.model import Evidence, Verdict

_VERDICTS = {
    Outcome.PASSED: Verdict.PASS,
    Outcome.MISSED: Verdict.FAIL,
    Outcome.INCONCLUSIVE: Verdict.INCONCLUSIVE,
}


def drill_evidence(
    run: DrillRun,
    *,
    verdict: DrillVerdict,
    goals: Goals,
    book_digest: str,
    valid_for: timedelta,
    simulated: tuple[str, ...],
) -> Evidence:
    """Return the evidence of one drill."""
    rpo = rpo_of(run)
    return Evidence(
        kind=DRILL,
        subject=run.scenario,
        verdict=_VERDICTS[verdict.outcome],
        figures={
            "rpo_seconds": None if rpo is None else round(rpo, 3),
            "rto_seconds": None if run.rto_seconds is None else round(run.rto_seconds, 3),
            "rpo_objective_seconds": goals.rpo_seconds,
            "rto_objective_seconds": goals.rto_seconds,
            "acknowledged": sum(loss.acknowledged for loss in run.losses),
            "lost": sum(loss.lost for loss in run.losses),
            "holes": sum(loss.holes for loss in run.losses),
            "phantoms": sum(loss.phantoms for loss in run.losses),
            "given_up": sum(run.given_up.values()),
            "divergence": run.divergence,
            "served_while_gone": None if run.served_while_gone is None else round(run.served_while_gone, 6),
            **{f"{each.stage} seconds": round(each.seconds, 3) for each in run.stages},
            "seed": run.seed,
            "backup": run.backup_id,
            "reasons": "; ".join(verdict.reasons) or "none",
        },
        inputs={"book": book_digest},
        tools={},
        started_at=datetime.fromtimestamp(run.started_at, UTC),
        duration_seconds=round(run.ended_at - run.started_at, 3),
        valid_for=valid_for,
        simulated=simulated,
    )
