"""What is wrong with the runbooks: every check, by file and line."""

from opsctl.core.findings import Finding
from opsctl.runbooks.lint import commands, references, whole
from opsctl.runbooks.lint.registry import CHECKS, LintContext

MODULES = (whole, commands, references)
"""Importing them registers their checks."""


def lint_runbooks(context: LintContext) -> tuple[Finding, ...]:
    """Return what every check finds."""
    return CHECKS.findings(context)


def explanations() -> dict[str, str]:
    """Return the page of each code."""
    return CHECKS.explanations
