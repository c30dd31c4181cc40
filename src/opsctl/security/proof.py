"""What of an audit goes into the ledger, and what into its JSON document."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from opsctl.core.findings import Finding, Severity
from opsctl.evidence.model import Evidence
from opsctl.security.audit import Audit, Checked
from opsctl.security.model import SecurityCheck, State, Trouble, Weight

VALID_FOR = timedelta(days=30)
_SEVERITIES = {
    Weight.CRITICAL: Severity.ERROR,
    Weight.HIGH: Severity.ERROR,
    Weight.MEDIUM: Severity.ERROR,
    Weight.LOW: Severity.WARNING,
}


def evidence_of(
    audit: Audit, *, only: Sequence[SecurityCheck], inputs: Mapping[str, str], started_at: datetime
) -> Evidence:
    """Return the proof of an audit.

    Args:
        audit: what was found.
        only: the checks, where not all were asked; such a proof has a subject of its own, so that nobody takes a part
            for the whole.
        inputs: name to SHA-256 of what decided the answers.
        started_at: when it began.
    """
    subject = " ".join(check.code for check in only) if only else "project"
    return Evidence(
        kind="security.audit",
        subject=subject,
        verdict=audit.verdict,
        figures=figures_of(audit),
        inputs=inputs,
        tools={},
        started_at=started_at,
        duration_seconds=sum(each.seconds for each in audit.checked),
        valid_for=_valid_for(audit, started_at),
    )


def _valid_for(audit: Audit, at: datetime) -> timedelta:
    """Return how long an audit counts: no longer than the first of the waivers that it rests on; each counts on its last day, too."""
    days = [accepted.waiver.expires for each in audit.checked for accepted in each.accepted]
    ends = [datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC) for day in days]
    return min([VALID_FOR, *(end - at for end in ends)])


def figures_of(audit: Audit) -> dict[str, Any]:
    """Return the figures of an audit; `counts` and `checks` are what other parts of opsctl read.

    What a check keeps beside its answer stands under its code: two of them may call different things alike.
    """
    return {each.check.code: dict(each.figures) for each in audit.checked if each.figures} | {
        "counts": {str(state): count for state, count in audit.counts.items()},
        "checks": [_figures_of(each) for each in audit.checked],
    }


def document_of(audit: Audit) -> dict[str, Any]:
    """Return an audit as values for a document: the figures, every trouble, and what waivers did."""
    by_code = {each.check.code: each for each in audit.checked}
    figures = figures_of(audit)
    for row in figures["checks"]:
        checked = by_code[row["code"]]
        row["mend"] = checked.mend if checked.state is not State.PASS else None
        row["troubles"] = [_trouble(each) for each in checked.troubles]
        row["accepted"] = [
            {"trouble": _trouble(each.trouble) if each.trouble else None, "waiver": each.waiver}
            for each in checked.accepted
        ]
    uncounted = [{"waiver": each.waiver, "why": each.why} for each in audit.uncounted]
    return {"verdict": str(audit.verdict), **figures, "uncounted_waivers": uncounted}


def findings_of(audit: Audit) -> tuple[Finding, ...]:
    """Return every trouble that no waiver covers, and every check that could not tell, as findings."""
    troubles = [
        Finding(
            code=each.check.code,
            severity=_SEVERITIES[each.check.weight],
            title=trouble.title,
            location=trouble.location,
            fix=trouble.mend or each.mend,
        )
        for each in audit.in_state(State.FAIL)
        for trouble in each.troubles
    ]
    unknown = [
        Finding(
            code=each.check.code,
            severity=Severity.WARNING,
            title=f"could not tell: {each.reason}",
            fix=each.mend,
        )
        for each in audit.in_state(State.UNKNOWN)
    ]
    return (*troubles, *unknown)


def catalogue_of(checks: Sequence[SecurityCheck]) -> list[dict[str, Any]]:
    """Return what the checks are, as values for a document."""
    return [
        {
            "code": check.code,
            "title": check.title,
            "severity": str(check.weight),
            "owasp": check.owasp,
            "asvs": list(check.asvs),
        }
        for check in checks
    ]


def _figures_of(checked: Checked) -> dict[str, Any]:
    check = checked.check
    (row,) = catalogue_of([check])
    return row | {
        "state": str(checked.state),
        "reason": checked.reason,
        "seconds": round(checked.seconds, 3),
    }


def _trouble(trouble: Trouble) -> dict[str, Any]:
    line = trouble.location.line if trouble.location else None
    return {"title": trouble.title, "place": trouble.place, "line": line, "mend": trouble.mend}
