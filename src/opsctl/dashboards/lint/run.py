"""Are the dashboards right: the rules of Grafana's dashboard-linter and ours, on what Grafana will read.

Four layers: the book's model refuses wrong shapes; the SDK reads the JSON back; every expression is checked against the
metric contract; and these checks look at meaning. There are no exclusions.
"""

from opsctl.core.findings import Finding
from opsctl.dashboards.lint import panels, questions, variables, whole
from opsctl.dashboards.lint.registry import CHECKS, LintContext

MODULES = (variables, panels, questions, whole)
"""Importing them registers their checks."""


def lint_dashboards(context: LintContext) -> tuple[Finding, ...]:
    """Return what every check finds, by file and line."""
    return CHECKS.findings(context)


def explanations() -> dict[str, str]:
    """Return the page of each code."""
    return CHECKS.explanations
