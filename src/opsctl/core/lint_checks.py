"""How are checks of books registered, run and explained: each a function with a code, whose docstring is its page."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from opsctl.core.findings import Finding, Location, Severity

Context = TypeVar("Context")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What a check has to say; the code is the check's own, and the severity too unless another is given."""

    title: str
    location: Location | None
    fix: str | None = None
    evidence: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LintCheck(Generic[Context]):
    """A registered check."""

    code: str
    severity: Severity
    run: Callable[[Context], Iterator[Complaint]]

    @property
    def explanation(self) -> str:
        """Return the page of `opsctl explain`."""
        return inspect.cleandoc(self.run.__doc__ or "")

    def findings(self, context: Context) -> Iterator[Finding]:
        """Yield what the check finds."""
        for complaint in self.run(context):
            yield Finding(
                code=self.code,
                severity=complaint.severity or self.severity,
                title=complaint.title,
                location=complaint.location,
                evidence=complaint.evidence,
                fix=complaint.fix,
            )


class LintChecks(dict[str, LintCheck[Context]]):
    """The checks of one kind of book, by their codes; modules register theirs when they are imported."""

    def check(
        self, code: str, severity: Severity = Severity.ERROR
    ) -> Callable[[Callable[[Context], Iterator[Complaint]]], Callable[[Context], Iterator[Complaint]]]:
        """Register a check under its code.

        Raises:
            ValueError: another one has it.
        """

        def add(
            function: Callable[[Context], Iterator[Complaint]],
        ) -> Callable[[Context], Iterator[Complaint]]:
            if code in self:
                raise ValueError(f"two checks have the code {code}")
            self[code] = LintCheck(code=code, severity=severity, run=function)
            return function

        return add

    def findings(self, context: Context) -> tuple[Finding, ...]:
        """Return what every check finds, by file and line."""
        found = (finding for check in self.values() for finding in check.findings(context))
        return tuple(sorted(found, key=by_place))

    @property
    def explanations(self) -> dict[str, str]:
        """Return the page of each code."""
        return {code: check.explanation for code, check in sorted(self.items())}


def by_place(finding: Finding) -> tuple[str, int, int, str]:
    """Return what findings are sorted by: file, line, column, code."""
    place = finding.location
    if place is None:
        return "", 0, 0, finding.code
    return place.file, place.line or 0, place.column or 0, finding.code
