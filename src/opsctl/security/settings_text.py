"""Which texts do the settings and the books hold, each with its name and its place?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opsctl.config.marks import read_marked
from opsctl.config.settings import PROJECT_FILE
from opsctl.core.findings import Location
from opsctl.security.context import Context
from opsctl.security.project_files import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One text of the settings or a book.

    Args:
        name: `qdrant.url`, or `ops/cache.yaml: l2.redis_url`.
        value: the text.
        location: where it stands; None for a setting, whose origin may be a variable.
    """

    name: str
    value: str
    location: Location | None = None


def said_texts(context: Context) -> Iterator[Said]:
    """Yield every text that holds: the settings with all their origins, and the other books as they are written."""
    for row in context.settings.rows():
        if isinstance(row.value, str):
            yield Said(name=row.name, value=row.value)
    for book in context.books:
        if book.name != PROJECT_FILE:
            yield from _of_book(context, str(book))


def said_at(context: Context, book: str, name: str) -> str | None:
    """Return a text of a book by its dotted name; None where it is not there."""
    return next((each.value for each in _of_book(context, book) if each.name == f"{book}: {name}"), None)


def _of_book(context: Context, book: str) -> Iterator[Said]:
    text = text_of(context.root / book)
    if text is None:
        return
    document = read_marked(text, file=book)
    for path, value in _leaves(document.value, ()):
        line, column = document.place_of(path, prefer_key=False)
        name = ".".join(str(part) for part in path)
        yield Said(
            name=f"{book}: {name}", value=value, location=Location(file=book, line=line, column=column)
        )


def _leaves(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _leaves(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, (*path, number))
