"""How does an audit look to code scanning: SARIF 2.1.0, every check a rule, every trouble a result."""

from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.core import sarif
from opsctl.security.audit import Audit, Checked
from opsctl.security.model import SecurityCheck, State, Trouble, Weight
from opsctl.security.waiver_book import Waiver
from opsctl.security.waivers import Accepted

_LEVELS = {Weight.CRITICAL: "error", Weight.HIGH: "error", Weight.MEDIUM: "warning", Weight.LOW: "note"}
# In the middle of the ranges of CVSS 3.1 that code scanning calls critical, high, medium and low.
_SCORES = {Weight.CRITICAL: "9.5", Weight.HIGH: "8.0", Weight.MEDIUM: "5.5", Weight.LOW: "2.0"}
# Code scanning shows nothing without a file; what is of no file is shown at the project's own.
_PROJECT_FILE = "opsctl.yaml"


def to_sarif(audit: Audit, *, version: str) -> str:
    """Return an audit as SARIF.

    A failure is a result at its place, and one that is waived is suppressed with the waiver's reason. What could not be
    told is no result, which code scanning would show as a failure, but a notification of the run; what passed is a rule
    without either.
    """
    rules = [_rule(each.check) for each in audit.checked]
    results = [result for number, each in enumerate(audit.checked) for result in _results(each, number)]
    notes = [note for number, each in enumerate(audit.checked) for note in _notifications(each, number)]
    return sarif.document(
        name="opsctl security audit",
        version=version,
        rules=rules,
        results=results,
        invocations=[{"executionSuccessful": True, "toolExecutionNotifications": notes}],
    )


def _rule(check: SecurityCheck) -> Mapping[str, Any]:
    return sarif.rule(
        check.code,
        explanation=check.explanation,
        level=_LEVELS[check.weight],
        title=check.title,
        properties={
            "security-severity": _SCORES[check.weight],
            "tags": ["security", f"OWASP-2025-{check.owasp}", *(f"ASVS-5.0.0-{row}" for row in check.asvs)],
        },
    )


def _results(checked: Checked, rule: int) -> Iterator[Mapping[str, Any]]:
    if checked.state is State.FAIL:
        yield from (_result(checked, rule, trouble) for trouble in checked.troubles)
    for accepted in checked.accepted:
        if accepted.waiver.state == "fail" and accepted.trouble is not None:
            yield _result(checked, rule, accepted.trouble) | _suppressed(accepted)


def _result(checked: Checked, rule: int, trouble: Trouble) -> dict[str, Any]:
    mend = trouble.mend or checked.mend
    return {
        "ruleId": checked.check.code,
        "ruleIndex": rule,
        "level": _LEVELS[checked.check.weight],
        "message": {"text": f"{trouble.title}\nhint: {mend}" if mend else trouble.title},
        "locations": [_location(trouble)],
        "partialFingerprints": {"opsctlPlace/v1": f"{checked.check.code}:{trouble.place}:{trouble.title}"},
    }


def _notifications(checked: Checked, rule: int) -> Iterator[Mapping[str, Any]]:
    """Yield what a check that could not tell has to say; what of it is waived is a note only."""
    waived = next((each.waiver for each in checked.accepted if each.waiver.state == "unknown"), None)
    if checked.state is not State.UNKNOWN and waived is None:
        return
    said = f"could not tell: {checked.reason}\nhint: {checked.mend}"
    yield {
        "associatedRule": {"id": checked.check.code, "index": rule},
        "level": "warning" if checked.state is State.UNKNOWN else "note",
        "message": {"text": f"{said}\nwaived: {_why(waived)}" if waived else said},
    }


def _location(trouble: Trouble) -> Mapping[str, Any]:
    if trouble.location is None:
        return {"physicalLocation": {"artifactLocation": {"uri": _PROJECT_FILE}}}
    return sarif.place(trouble.location)


def _suppressed(accepted: Accepted) -> dict[str, Any]:
    why = _why(accepted.waiver)
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": why}]}


def _why(waiver: Waiver) -> str:
    return f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"
