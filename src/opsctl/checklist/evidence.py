"""What of a run of the checklist goes into the ledger, and into a document: the same values."""

from datetime import timedelta
from typing import Any

from opsctl.checklist.model import Judged, Report, State
from opsctl.checklist.quantity import written
from opsctl.core.exit_codes import ExitCode
from opsctl.evidence.model import Evidence, Verdict, digest_of

RUN_KIND, SUBJECT = "checklist.run", "production"

# What is green is green until the first of its proofs ends; a red list is out of date as soon as something is mended.
_LONGEST, _SHORTEST = timedelta(days=30), timedelta(seconds=1)
_VERDICTS = {ExitCode.GOOD: Verdict.PASS, ExitCode.BAD_VERDICT: Verdict.FAIL}


def run_evidence(report: Report, *, book_digest: str, seconds: float) -> Evidence:
    """Return the proof of a run."""
    ends = [each.expires_at for each in report.items if each.expires_at is not None and each.state in _GOOD]
    valid_for = min((min(ends) - report.at) if ends else _LONGEST, _LONGEST)
    return Evidence(
        kind=RUN_KIND,
        subject=SUBJECT,
        verdict=_VERDICTS.get(report.exit_code, Verdict.INCONCLUSIVE),
        figures=to_document(report),
        inputs={"book": book_digest, "evidence": digest_of(sorted(_digests(report)))},
        tools={},
        started_at=report.at,
        duration_seconds=round(seconds, 3),
        valid_for=max(valid_for, _SHORTEST),
        simulated=report.simulated,
    )


_GOOD = (State.PASS, State.WAIVED)


def _digests(report: Report) -> set[str]:
    return {record.digest for item in report.items for record in item.evidence}


def to_document(report: Report) -> dict[str, Any]:
    """Return a report as plain values; other parts read exactly these."""
    return {
        "items": [_item(each) for each in report.items],
        "counts": {str(state): count for state, count in report.counts.items()},
    }


def _item(judged: Judged) -> dict[str, Any]:
    return {
        "name": judged.item.name,
        "code": judged.code,
        "title": judged.item.title,
        "group": str(judged.item.group),
        "state": str(judged.state),
        "without_waiver": str(judged.beneath),
        "figure": figure_text(judged),
        "target": target_text(judged),
        "reason": judged.reason,
        "evidence": [record.id for record in judged.evidence],
        "simulated": bool(judged.simulated),
        "simulated_parts": list(judged.simulated),
        "expires_at": judged.expires_at.isoformat() if judged.expires_at else None,
        "measured_at": judged.measured_at.isoformat() if judged.measured_at else None,
        "next": judged.next_command,
        "signed": [
            {
                "account": each.account,
                "name": each.name,
                "role": each.role,
                "by": each.by,
                "at": each.record.recorded_at.isoformat(),
                "note": each.note,
                "trouble": each.trouble,
            }
            for each in judged.signatures
        ],
        "waiver": None
        if judged.waiver is None
        else {
            "account": judged.waiver.account,
            "reason": judged.waiver.reason,
            "expires_at": judged.waiver.expires_at.isoformat(),
        },
    }


def figure_text(judged: Judged) -> str:
    """Return what was found, beside what was wanted: a figure, how many of the proofs hold, or who signed."""
    answer = judged.deciding
    if answer is not None and answer.query.figure is not None:
        return "-" if answer.number is None else written(answer.number, answer.query.unit)
    if judged.answers:
        return f"{_holding(judged)} of {len(judged.answers)}"
    return ", ".join(each.account for each in judged.signatures if not each.trouble) or "-"


def target_text(judged: Judged) -> str:
    """Return what is wanted."""
    answer = judged.deciding
    if answer is not None and answer.query.figure is not None:
        return answer.query.target
    if judged.answers:
        number = len(judged.answers)
        is_one = number == 1 or (judged.item.any and not judged.item.all)
        return "one proof" if is_one else f"{number} proofs"
    number = judged.item.sign.signatures if judged.item.sign else 0
    return "signed" if number == 1 else f"signed by {number}"


def _holding(judged: Judged) -> int:
    return sum(answer.state is State.PASS for answer in judged.answers)
