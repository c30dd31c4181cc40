"""Whoever follows a link of our pages gets somewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<title>.+?) *$", re.MULTILINE)


def _text(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    titles = (match["title"] for match in _HEADING.finditer(_text(page)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _dead(page: Path) -> Iterator[str]:
    for match in _LINK.finditer(_text(page)):
        path, _, anchor = match["target"].partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            yield match["target"]


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_to_a_page_of_ours_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    assert list(_dead(page)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """A file that is not there, a heading that is not there; not what is there, or elsewhere, or only shown."""
    page = tmp_path / "page.md"
    page.write_text(
        "# Who gets what, and `why`\n[a](gone.md) [b](#gone) [c](#who-gets-what-and-why) [d](https://x.example/y.md)\n"
        "```\n[e](gone.md)\n```\n",
        encoding="utf-8",
    )

    assert list(_dead(page)) == ["gone.md", "#gone"]
