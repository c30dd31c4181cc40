"""What is wrong with the alert books: every check, in the order of the books."""

from opsctl.alerts.lint import delivery, expressions, files, objectives, proofs, texts
from opsctl.alerts.lint.registry import CHECKS, LintContext, findings_of
from opsctl.alerts.lint.snooze import EXPLANATION as SNOOZE_EXPLANATION
from opsctl.alerts.lint.snooze import SNOOZE, apply_snoozes
from opsctl.core.findings import Finding

__all__ = ["CHECKS", "SNOOZE", "SNOOZE_EXPLANATION", "lint_books"]

MODULES = (expressions, objectives, texts, delivery, proofs, files)
"""Importing them registers their checks."""


def lint_books(context: LintContext) -> tuple[Finding, ...]:
    """Return what every check finds, without what was put off, by file and line."""
    found = [finding for each in CHECKS.values() for finding in findings_of(each, context)]
    sources = [*(loaded.source for loaded in context.books.books), context.books.delivery_source]
    kept = apply_snoozes(found, sources, today=context.now.date())
    return tuple(sorted(kept, key=_place))


def _place(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.location
    return (
        (place.file, place.line or 0, place.column or 0, finding.code) if place else ("", 0, 0, finding.code)
    )
