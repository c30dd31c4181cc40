"""What is wrong with the alert books: every check, in the order of the books."""

from opsctl.alerts.lint import delivery, expressions, files, objectives, proofs, texts
from opsctl.alerts.lint.registry import CHECKS, LintContext
from opsctl.alerts.lint.snooze import EXPLANATION, SNOOZE, apply_snoozes
from opsctl.core.findings import Finding
from opsctl.core.lint_checks import by_place

MODULES = (expressions, objectives, texts, delivery, proofs, files)
"""Importing them registers their checks."""


def lint_books(context: LintContext) -> tuple[Finding, ...]:
    """Return what every check finds, without what was put off, by file and line."""
    sources = [*(loaded.source for loaded in context.books.books), context.books.delivery_source]
    kept = apply_snoozes(CHECKS.findings(context), sources, today=context.now.date())
    return tuple(sorted(kept, key=by_place))


def explanations() -> dict[str, str]:
    """Return the page of each code, and of the comments that put findings off."""
    return CHECKS.explanations | {SNOOZE: EXPLANATION}
