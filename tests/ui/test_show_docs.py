"""Whose pages a built site is of, as people read it."""

from pathlib import Path

import pytest

from opsctl.documentation.report import SiteReport
from opsctl.ui.show_docs import show_build

REPORT = SiteReport(place=Path("site"), is_built=True, pages=2, links=3, commands=1, compared=(), findings=())


@pytest.mark.parametrize(("subject", "is_told"), [("docs of opsctl", True), ("docs", False)])
def test_pages_of_opsctl_are_told_to_be_no_proof_of_a_project(
    subject: str, *, is_told: bool, capsys: pytest.CaptureFixture[str]
):
    """Whoever builds them in a project of their own would wait for a green item in vain."""
    show_build(REPORT, subject=subject)

    seen = capsys.readouterr()
    assert "nothing is wrong" in seen.out
    assert ("no proof of this project's" in seen.err) is is_told
