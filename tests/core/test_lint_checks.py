"""Checks of books: a code each, a page each, and findings in the order of the lines."""

from collections.abc import Iterator

import pytest

from opsctl.core.findings import Location, Severity
from opsctl.core.lint_checks import Complaint, LintChecks

Lines = list[str]


def checks() -> LintChecks[Lines]:
    """Return two checks of the lines of a text."""
    made = LintChecks[Lines]()

    @made.check("TST002")
    def long(lines: Lines) -> Iterator[Complaint]:
        """A line is long.

        Break it.
        """
        for number, line in enumerate(lines, 1):
            if len(line) > 3:
                yield Complaint(title=line, location=Location(file="a", line=number), fix="break it")

    @made.check("TST001", Severity.WARNING)
    def empty(lines: Lines) -> Iterator[Complaint]:
        """There is nothing in a line."""
        for number, line in enumerate(lines, 1):
            if not line:
                severity = Severity.INFO if number == len(lines) else None
                yield Complaint(title="empty", location=Location(file="a", line=number), severity=severity)
        if not lines:
            yield Complaint(title="no line", location=None)

    return made


def test_what_checks_find_comes_by_line_whichever_check_it_is_of() -> None:
    """Line 10 stands behind line 9, and a complaint without a place before all."""
    lines = ["long one", "", *["x"] * 7, "long two", ""]

    found = checks().findings(lines)

    assert [(each.code, each.location and each.location.line) for each in found] == [
        ("TST002", 1),
        ("TST001", 2),
        ("TST002", 10),
        ("TST001", 11),
    ]
    assert [each.location for each in checks().findings([])] == [None]


def test_a_finding_has_the_severity_of_its_check_unless_the_complaint_has_one() -> None:
    """And the fix of the complaint."""
    error, warning, info = checks().findings(["long", "", ""])

    assert [error.severity, warning.severity, info.severity] == list(reversed(Severity))
    assert (error.fix, warning.fix) == ("break it", None)


def test_pages_are_docstrings_by_code() -> None:
    """As `opsctl explain` shows them."""
    assert checks().explanations == {
        "TST001": "There is nothing in a line.",
        "TST002": "A line is long.\n\nBreak it.",
    }


def test_two_checks_cannot_have_one_code() -> None:
    """One of them would never run."""
    made = checks()

    with pytest.raises(ValueError, match="TST001"):
        made.check("TST001")(lambda _lines: iter(()))
