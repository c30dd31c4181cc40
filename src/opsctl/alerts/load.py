"""Which alert books does a project have: read from its folder, each with the places of its keys."""

from dataclasses import dataclass, field
from pathlib import Path

from opsctl.alerts.book import Alert, AlertBook, Objective
from opsctl.alerts.delivery import DeliveryBook
from opsctl.clients.files import read_text
from opsctl.config.folder import books_in
from opsctl.config.load import parse_book
from opsctl.config.marks import MOST_BYTES, MarkedDocument, locate, read_marked
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location

DELIVERY_FILE = "delivery.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """The text of a book, so that a finding can point at any key or value in it."""

    file: str
    text: str
    marks: MarkedDocument = field(repr=False)

    def place(self, *path: str | int, of_key: bool = False, offset: int = 0) -> Location:
        """Return where a value (or its key) stands; `offset` moves the caret into a value that is on one line."""
        line, column = self.marks.place_of(path, prefer_key=of_key)
        return locate(self.text, file=self.file, line=line, column=column + offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBook:
    """One book of alerts; its name is that of its file, without the suffix."""

    name: str
    source: SourceText
    book: AlertBook


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBooks:
    """All books of a project, by name, and how their alerts are delivered; `ignored` are files that are no books."""

    books: tuple[LoadedBook, ...]
    delivery: DeliveryBook
    delivery_source: SourceText
    ignored: tuple[str, ...] = ()

    def rule(self, name: str) -> Alert | Objective | None:
        """Return the rule of this name; None where no book has it."""
        return next((each.book.rules[name] for each in self.books if name in each.book.rules), None)


def load_alert_books(folder: Path) -> AlertBooks:
    """Read every book of a folder; all problems of all books at once.

    Raises:
        UsageError: a book is wrong, or `delivery.yaml` is missing, or there is no book beside it.
    """
    delivery_path, found = folder / DELIVERY_FILE, books_in(folder)
    if delivery_path not in found.books:
        raise UsageError(
            f"there is no `{delivery_path}`",
            code="CFG008",
            why="it says who hears of an alert",
            fix="run `opsctl init` for a starter, or set `books.alerts` to the folder of your books",
        )
    findings: list[Finding] = []
    texts = {path: read_text(path, most_bytes=MOST_BYTES) for path in found.books}
    books: list[LoadedBook] = []
    delivery: DeliveryBook | None = None
    for path, text in texts.items():
        try:
            if path == delivery_path:
                delivery = parse_book(text, DeliveryBook, file=str(path))
            else:
                book = parse_book(text, AlertBook, file=str(path))
                books.append(LoadedBook(name=path.stem, source=_source(path, text), book=book))
        except UsageError as error:
            findings += error.findings
    if findings:
        raise UsageError(
            f"the alert books have {len(findings)} {'problem' if len(findings) == 1 else 'problems'}",
            code="CFG003",
            findings=findings,
            fix="mend them and run the same command again; nothing was changed",
        )
    if delivery is None or not books:
        raise UsageError(
            f"there is no book of alerts in `{folder}`",
            code="CFG008",
            fix="run `opsctl init` for a starter, or set `books.alerts` to the folder of your books",
        )
    return AlertBooks(
        books=tuple(books),
        delivery=delivery,
        delivery_source=_source(delivery_path, texts[delivery_path]),
        ignored=tuple(str(path) for path in found.ignored),
    )


def _source(path: Path, text: str) -> SourceText:
    return SourceText(file=str(path), text=text, marks=read_marked(text, file=str(path)))
