"""What `opsctl init` writes is what this checkout itself uses, so that what is mended here reaches a new project."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "templates" / "project" / "ops"

# These are of this checkout: its own pages, listings and receivers.
DIFFER = {"checklist.yaml", "collections.yaml", "waivers.yaml"}
ALIKE = sorted(str(path.relative_to(STARTER)) for path in STARTER.rglob("*.yaml"))


def without_schema(path: Path) -> str:
    """Return a book without its first line, which says where its schema lies."""
    first, _, rest = path.read_text().partition("\n")
    assert first.startswith("# yaml-language-server: $schema=")
    return rest


@pytest.mark.parametrize("book", [name for name in ALIKE if name not in DIFFER])
def test_a_starter_book_is_the_one_of_this_checkout(book):
    """But for its first line."""
    assert without_schema(STARTER / book) == without_schema(ROOT / "ops" / book)


def test_the_books_that_differ_are_there():
    """The list of exceptions names nothing that is gone."""
    assert set(ALIKE) >= DIFFER
