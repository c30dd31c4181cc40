"""What GitHub shows as a list or a table, the site shows as one too: MkDocs reads Markdown more strictly."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), DOCS.parent / "ARCHITECTURE.md", DOCS.parent / "CHANGELOG.md"]
_ITEM = re.compile(r"(?P<indent> *)(?:[-*]|\d+\.) ")


def lost_markup(text: str) -> Iterator[tuple[int, str]]:
    """Yield each line, with why, that the site would take for a part of the paragraph before."""
    before, is_code = "", False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield from ((number, why) for why in _wrongs(line, before))
        before = line
    if is_code:
        yield len(text.splitlines()), "a block of code is not closed"


def _wrongs(line: str, before: str) -> Iterator[str]:
    item = _ITEM.match(line)
    goes_on = bool(before.strip()) and not before.startswith(("#", " ", "|", "```", "<!--"))
    if item and not item["indent"] and goes_on and not _ITEM.match(before):
        yield "a list wants an empty line before it"
    if item and 0 < len(item["indent"]) < 4:
        yield "a list within a list wants four spaces"
    if line.startswith("|") and goes_on:
        yield "a table wants an empty line before it"


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(DOCS.parent)) for page in PAGES])
def test_no_markup_is_lost(page: Path):
    """By line, and why."""
    assert list(lost_markup(page.read_text(encoding="utf-8"))) == []


def test_no_page_holds_the_marks_of_a_merge():
    """Two truths, and lines that nobody wrote."""
    marks = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)

    assert [str(page) for page in PAGES if marks.search(page.read_text(encoding="utf-8"))] == []


def test_what_would_be_lost_is_found():
    """Not what is code, and not what goes on in the line below."""
    text = "text:\n- a\n\n- b\n  and more\n- c\n  - d\n\n```\nx\n- y\n```\n# T\n- e\n\ntext\n| a |\n"

    assert [number for number, _ in lost_markup(text)] == [2, 7, 17]
