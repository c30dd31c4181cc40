"""The pages about security say what is there: every check, every test and every mark that they name exists."""

import re
from pathlib import Path

import pytest

from opsctl.security.reference import checks_markdown, with_checks
from opsctl.security.registry import CHECKS

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs/security.md").read_text(encoding="utf-8")


def test_the_table_of_checks_is_that_of_the_registry() -> None:
    """After a change: `python -m opsctl.security.reference docs/security.md`."""
    assert with_checks(GUIDE) == GUIDE


def test_a_page_without_the_marks_is_refused() -> None:
    """Nothing is written into a page that has no place for it."""
    with pytest.raises(ValueError, match="lacks"):
        with_checks("# Another page\n")


def test_every_check_is_in_the_table() -> None:
    """With its question."""
    assert [each.code for each in CHECKS if f"| {each.code} | " not in checks_markdown()] == []


def test_what_the_threat_model_names_exists() -> None:
    """Checks by their codes, tests by their paths; and every threat names at least one of them."""
    known = {each.code for each in CHECKS}
    threats = re.findall(r"^\| ([STRIDE]\d+) \|.*\| (.*) \|$", MODEL, re.MULTILINE)

    assert len(threats) > 25
    for number, shown in threats:
        codes, paths = re.findall(r"SEC\d{3}", shown), re.findall(r"tests/[\w/]+\.py", shown)
        assert codes or paths, number
        assert set(codes) <= known, number
        assert [path for path in paths if not (ROOT / path).is_file()] == [], number


def test_every_check_stands_against_a_threat() -> None:
    """One that answers to none would be of no use."""
    assert [each.code for each in CHECKS if each.code not in MODEL] == []
