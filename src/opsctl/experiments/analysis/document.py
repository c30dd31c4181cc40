"""How is an analysis written down: as values for JSON, as a look in the ledger, as a proof."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from opsctl.evidence.model import Evidence, Verdict
from opsctl.experiments.analysis.model import Analysis, Check, Point, Result
from opsctl.experiments.metric_book import Role
from opsctl.experiments.peeks import Peek
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate, Interval
from opsctl.experiments.verdict import Outcome

ANALYSIS_KIND = "experiments.analyze"
_VALID_FOR = timedelta(days=365)
_VERDICTS = {
    Outcome.SHIP: Verdict.PASS,
    Outcome.DO_NOT_SHIP: Verdict.PASS,
    Outcome.KEEP_RUNNING: Verdict.INCONCLUSIVE,
    Outcome.INVALID: Verdict.FAIL,
}
"""Not to ship is an answer, too; the proof is that the question was asked in a way that allows one."""


def to_document(analysis: Analysis) -> dict[str, Any]:
    """Return an analysis for JSON; the same analysis gives the same values."""
    subject = analysis.subject
    return {
        "experiment": subject.name,
        "title": subject.experiment.title,
        "digest": subject.digest,
        "started_at": subject.started_at,
        "at": analysis.at,
        "simulated": list(analysis.simulated),
        "verdict": {
            "outcome": analysis.verdict.outcome.value,
            "arm": analysis.verdict.arm,
            "reasons": list(analysis.verdict.reasons),
        },
        "look": {
            "may_decide": analysis.look.may_decide,
            "is_last": analysis.look.is_last,
            "next_look": analysis.look.next_look,
            "looks_before": analysis.peeks,
        },
        "units": dict(analysis.units),
        "checks": [_check(each) for each in analysis.checks],
        "results": [_result(each) for each in analysis.results],
        "meetings": list(analysis.meetings),
        "certificates": dict(analysis.certificates),
    }


def peek_of(analysis: Analysis) -> Peek:
    """Return the look that this analysis was, to be recorded before anything of it is shown."""
    return Peek(
        at=analysis.at,
        units=analysis.units,
        p={f"{each.metric}/{each.arm}": each.inference.p_value for each in analysis.results},
        outcome=analysis.verdict.outcome.value,
    )


def analysis_evidence(analysis: Analysis, *, seconds: float) -> Evidence:
    """Return the proof of an analysis: its verdict, the lifts behind it, and the certificates of its methods."""
    return Evidence(
        kind=ANALYSIS_KIND,
        subject=analysis.subject.name,
        verdict=_VERDICTS[analysis.verdict.outcome],
        figures={
            "outcome": analysis.verdict.outcome.value,
            "arm": analysis.verdict.arm or "none",
            "reasons": list(analysis.verdict.reasons),
            "units": dict(analysis.units),
            "effects": {f"{each.metric}/{each.arm}": each.shown.effect for each in analysis.results},
            "lifts": lifts_of(analysis),
            "guardrails": guardrails_of(analysis),
            "warnings": [check.says for check in analysis.checks if check.is_warning],
            "certificates": dict(analysis.certificates),
        },
        inputs={"experiment": analysis.subject.digest},
        tools=_libraries(),
        started_at=analysis.at,
        duration_seconds=seconds,
        valid_for=_VALID_FOR,
        simulated=analysis.simulated,
    )


def lifts_of(analysis: Analysis) -> Mapping[str, Mapping[str, float]]:
    """Return by `metric/arm` the lift and its interval, for dashboards; those without a lift are left out."""
    return {
        f"{each.metric}/{each.arm}": {"lift": each.lift, "low": interval.low, "high": interval.high}
        for each in analysis.results
        if each.lift is not None and isinstance(interval := each.inference.lift, Interval)
    }


def guardrails_of(analysis: Analysis) -> Mapping[str, str]:
    """Return by `metric/arm` of each guardrail whether it is `broken`, `kept`, or neither was shown: `uncertain`."""
    return {
        f"{each.metric}/{each.arm}": "broken"
        if each.shown.breaks_margin or each.shown.is_worse
        else "kept"
        if each.shown.meets_its_test
        else "uncertain"
        for each in analysis.results
        if each.role is Role.GUARDRAIL
    }


def _libraries() -> dict[str, str]:
    import numpy as np
    import scipy

    return {"numpy": np.__version__, "scipy": scipy.__version__}


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "is_fault": check.is_fault,
        "is_warning": check.is_warning,
        "says": check.says,
        "p": check.p_value,
    }


def _result(result: Result) -> dict[str, Any]:
    inference, shown = result.inference, result.shown
    return {
        "metric": result.metric,
        "arm": result.arm,
        "role": result.role.value,
        "test": result.wanted.value,
        "method": result.method.value,
        "control": _estimate(result.control),
        "treatment": _estimate(result.treatment),
        "difference": result.difference,
        "interval": _interval(inference.interval),
        "lift": result.lift,
        "lift_interval": _interval(inference.lift),
        "p": inference.p_value,
        "adjusted_p": result.adjusted_p,
        "effect": shown.effect,
        "is_better": shown.is_better,
        "is_worse": shown.is_worse,
        "keeps_margin": shown.keeps_margin,
        "breaks_margin": shown.breaks_margin,
        "detectable_difference": result.detectable,
        "needed_units": shown.needed_units,
        "variance_reduction": result.variance_reduction,
        "notes": list(result.notes),
        "curve": [_point(each) for each in result.curve],
    }


def _estimate(estimate: Estimate | CannotTell) -> dict[str, Any]:
    if isinstance(estimate, CannotTell):
        return {"cannot_tell": estimate.because, "code": estimate.code}
    return {"value": estimate.value, "error": estimate.error, "units": estimate.n}


def _interval(interval: Interval | CannotTell | None) -> dict[str, Any] | None:
    match interval:
        case Interval():
            return {"low": interval.low, "high": interval.high}
        case CannotTell():
            return {"cannot_tell": interval.because, "code": interval.code}
        case None:
            return None


def _point(point: Point) -> dict[str, Any]:
    return {
        "at": point.at,
        "units": point.units,
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "is_relative": point.is_relative,
    }
