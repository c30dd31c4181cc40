"""What is wrong with the runbooks: every check, by file and line."""

from opsctl.core.findings import Finding
from opsctl.runbooks.lint import commands, references, whole
from opsctl.runbooks.lint.registry import CHECKS, LintContext

MODULES = (whole, commands, references)
"""Importing them registers their checks."""


def lint_runbooks(context: LintContext) -> tuple[Finding, ...]:
    """Return what every check finds."""
    found = [finding for each in CHECKS.values() for finding in each.findings(context)]
    return tuple(sorted(found, key=_place))


def explanations() -> dict[str, str]:
    """Return the page of each code."""
    return {code: each.explanation for code, each in sorted(CHECKS.items())}


def _place(finding: Finding) -> tuple[str, int, str]:
    place = finding.location
    return (place.file, place.line or 0, finding.code) if place else ("", 0, finding.code)
