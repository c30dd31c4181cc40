"""Whether rendered files are what the code renders."""

import pytest

from opsctl.core.exit_codes import ExitCode
from opsctl.core.findings import Severity
from opsctl.documentation.drift import Generated, State, compare, drift_findings
from opsctl.documentation.report import SiteReport


def _missing() -> str:
    raise ImportError("No module named 'fastapi'")


def _compared(held: str | None, render=lambda: "a\nb\nc\n"):
    page = Generated(path="docs/a.md", render=render, remedy="make docs")
    return tuple(compare([page], read=lambda _: held))


@pytest.mark.parametrize(
    ("held", "state", "line"),
    [
        ("a\nb\nc\n", State.SAME, None),
        ("a\nx\nc\n", State.DRIFTED, 2),
        ("a\nb\n", State.DRIFTED, 3),
        ("", State.DRIFTED, 1),
        (None, State.DRIFTED, None),
    ],
)
def test_the_first_line_that_differs_is_named(held, state, line):
    """A file that is not there differs as a whole."""
    (found,) = _compared(held)

    assert (found.state, found.line) == (state, line)
    assert len(drift_findings([found])) == (state is not State.SAME)


def test_what_cannot_be_rendered_is_neither_right_nor_wrong(tmp_path):
    """The command ends inconclusive, not well."""
    compared = _compared("a\n", _missing)
    report = SiteReport(
        place=tmp_path,
        is_built=True,
        pages=1,
        links=0,
        commands=0,
        compared=compared,
        findings=drift_findings(compared),
    )

    assert [each.severity for each in report.findings] == [Severity.WARNING]
    assert (report.exit_code, report.drifted, report.unknown) == (ExitCode.INCONCLUSIVE, 0, 1)
