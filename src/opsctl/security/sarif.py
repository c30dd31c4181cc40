"""How does an audit look to code scanning: SARIF 2.1.0, every check a rule, every trouble a result."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.security.audit import Audit, Checked
from opsctl.security.model import SecurityCheck, State, Trouble, Weight
from opsctl.security.waivers import Accepted

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Weight.CRITICAL: "error", Weight.HIGH: "error", Weight.MEDIUM: "warning", Weight.LOW: "note"}
# In the middle of the ranges of CVSS 3.1 that code scanning calls critical, high, medium and low.
_SCORES = {Weight.CRITICAL: "9.5", Weight.HIGH: "8.0", Weight.MEDIUM: "5.5", Weight.LOW: "2.0"}
# Code scanning shows nothing without a file; what is of no file is shown at the project's own.
_PROJECT_FILE = "opsctl.yaml"


def to_sarif(audit: Audit, *, version: str) -> str:
    """Return an audit as SARIF.

    A failure is a result at its place, and one that is waived is suppressed with the waiver's reason. What could not
    be told is a result of kind `open`, and what passed one of kind `pass`, so that neither looks like the other.
    """
    rules = [_rule(each.check) for each in audit.checked]
    results = [result for number, each in enumerate(audit.checked) for result in _results(each, number)]
    driver = {"name": "opsctl security audit", "version": version, "rules": rules}
    document = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(check: SecurityCheck) -> Mapping[str, Any]:
    return {
        "id": check.code,
        "shortDescription": {"text": check.title},
        "fullDescription": {"text": check.explanation.partition("\n")[0]},
        "help": {"text": check.explanation},
        "defaultConfiguration": {"level": _LEVELS[check.weight]},
        "properties": {
            "security-severity": _SCORES[check.weight],
            "tags": ["security", f"OWASP-2025-{check.owasp}", *(f"ASVS-5.0.0-{row}" for row in check.asvs)],
        },
    }


def _results(checked: Checked, rule: int) -> Iterator[Mapping[str, Any]]:
    for trouble in checked.troubles:
        yield _result(checked, rule, kind="fail", trouble=trouble)
    for accepted in checked.accepted:
        kind = "fail" if accepted.trouble else "open"
        yield _result(checked, rule, kind=kind, trouble=accepted.trouble) | _suppressed(accepted)
    if checked.state is State.UNKNOWN:
        yield _result(checked, rule, kind="open", trouble=None)
    if checked.state is State.PASS:
        yield _result(checked, rule, kind="pass", trouble=None)


def _result(checked: Checked, rule: int, *, kind: str, trouble: Trouble | None) -> dict[str, Any]:
    title = trouble.title if trouble else checked.reason
    mend = (trouble.mend if trouble else None) or checked.mend
    place = trouble.place if trouble else checked.check.code
    return {
        "ruleId": checked.check.code,
        "ruleIndex": rule,
        "kind": kind,
        # The standard wants `none` for every kind but `fail`.
        "level": _LEVELS[checked.check.weight] if kind == "fail" else "none",
        "message": {"text": f"{title}\nhint: {mend}" if mend else title},
        "locations": [_location(trouble)],
        "partialFingerprints": {"opsctlPlace/v1": f"{checked.check.code}:{place}:{title}"},
    }


def _location(trouble: Trouble | None) -> Mapping[str, Any]:
    place = trouble.location if trouble else None
    if place is None:
        return {"physicalLocation": {"artifactLocation": {"uri": _PROJECT_FILE}}}
    region = {"startLine": place.line or 1} | ({"startColumn": place.column} if place.column else {})
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(place.file)}, "region": region}}


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.encode(errors="surrogateescape"), safe="/")


def _suppressed(accepted: Accepted) -> dict[str, Any]:
    waiver = accepted.waiver
    why = f"{waiver.reason} ({waiver.owner}, until {waiver.expires})"
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": why}]}
