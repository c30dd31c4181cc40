"""How do findings look to other programs: SARIF for code scanning, JUnit for CI, annotations for GitHub."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from opsctl.core.findings import Finding, Severity
from opsctl.core.outside_text import in_xml
from opsctl.core.sarif import document, place, rule

_SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_GITHUB_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_RANKS = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


class FindingFormat(StrEnum):
    """For whom findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"


def reaches(finding: Finding, severity: Severity) -> bool:
    """Tell whether a finding is at least so bad."""
    return _RANKS[finding.severity] >= _RANKS[severity]


def sarif(findings: Sequence[Finding], *, version: str, explain: Callable[[str], str]) -> str:
    """Return SARIF 2.1.0; `explain` gives the page of a code."""
    codes = sorted({finding.code for finding in findings})
    rules = [
        rule(code, explanation=explain(code), level=_SARIF_LEVELS[_worst(findings, code)]) for code in codes
    ]
    results = [_sarif_result(finding, codes) for finding in findings]
    return document(name="opsctl", version=version, rules=rules, results=results)


def _worst(findings: Sequence[Finding], code: str) -> Severity:
    return max((each.severity for each in findings if each.code == code), key=_RANKS.__getitem__)


def junit(findings: Sequence[Finding], *, suite: str) -> str:
    """Return JUnit XML: a failing case for each finding, and a passing one where there is none."""
    from xml.sax.saxutils import quoteattr

    cases = [_junit_case(finding, suite) for finding in findings]
    if not cases:
        cases = [f'  <testcase classname={quoteattr(suite)} name="no findings"/>']
    count = len(findings)
    head = (
        f'<testsuite name={quoteattr(suite)} tests="{len(cases)}" failures="{count}" errors="0" skipped="0">'
    )
    body = "\n".join(cases)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{body}\n</testsuite>\n'


def github(findings: Sequence[Finding]) -> str:
    """Return workflow commands that show each finding at its line of a pull request."""
    return "".join(_github_line(finding) for finding in findings)


def _sarif_result(finding: Finding, codes: Sequence[str]) -> Mapping[str, object]:
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _SARIF_LEVELS[finding.severity],
        "message": {"text": _whole(finding)},
    }
    if finding.location is not None:
        result["locations"] = [place(finding.location)]
    return result


def _junit_case(finding: Finding, suite: str) -> str:
    from xml.sax.saxutils import escape, quoteattr  # brings an HTTP client along

    name = f"{finding.code} {finding.location or ''}".strip()
    message = quoteattr(in_xml(finding.title))
    text = escape(in_xml(_whole(finding)))
    return (
        f"  <testcase classname={quoteattr(suite)} name={quoteattr(in_xml(name))}>\n"
        f"    <failure type={quoteattr(str(finding.severity))} message={message}>{text}</failure>\n  </testcase>"
    )


def _github_line(finding: Finding) -> str:
    place = finding.location
    where = {}
    if place is not None:
        where = {"file": place.file, "line": place.line, "col": place.column}
    pairs = {**{name: value for name, value in where.items() if value}, "title": finding.code}
    properties = ",".join(f"{name}={_github_property(str(value))}" for name, value in pairs.items())
    return f"::{_GITHUB_LEVELS[finding.severity]} {properties}::{_github_text(_whole(finding))}\n"


def _whole(finding: Finding) -> str:
    parts = [finding.title]
    if finding.evidence:
        parts.append(f"seen: {finding.evidence}")
    if finding.fix:
        parts.append(f"hint: {finding.fix}")
    return "\n".join(parts)


def _github_text(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_text(text).replace(":", "%3A").replace(",", "%2C")
