"""Are the settings and all books of the project right, and which of them is there nothing to read of?"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opsctl.core.findings import Finding, Location, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBooks:
    """What was read and is right, by path, and what was not read, so that nobody takes it for right."""

    read: tuple[str, ...]
    unread: tuple[Finding, ...]


def check_books() -> CheckedBooks:
    """Check the project file and every book of the project.

    Raises:
        UsageError: a book is wrong, with all its problems.
        NotReadyError: FIL003 a folder of books cannot be read.
    """
    from opsctl.cli import wiring
    from opsctl.config.load import is_missing, load_book
    from opsctl.config.settings import PROJECT_FILE

    settings, models = wiring.settings(), wiring.book_models()
    read, unread = list[str](), list[Finding]()
    if is_missing(settings.root / PROJECT_FILE):
        unread.append(_unread(PROJECT_FILE, "is not there: all settings have their defaults"))
    else:
        read.append(PROJECT_FILE)  # the settings come from it
    for kind, path in _single(settings.project.books.model_dump()):
        # A book that is not there has its defaults, but for these.
        if kind not in _WITHOUT_DEFAULTS and is_missing(settings.root / path):
            unread.append(_unread(path, f"is not there: {_INSTEAD.get(kind, 'its defaults hold')}"))
            continue
        load_book(settings.root / path, models[kind])
        read.append(path)
    for kind, folder in _folders(settings.project.books.model_dump()):
        books, findings = _in_folder(folder, root=settings.root)
        unread += findings
        for book in books:
            load_book(book, models["delivery" if book.name == "delivery.yaml" else kind])
            read.append(_named(book, root=settings.root))
    return CheckedBooks(read=tuple(read), unread=tuple(unread))


_WITHOUT_DEFAULTS = ("collections",)
_INSTEAD = {"checklist": "nothing is checked before production"}


def _single(books: dict[str, str]) -> Iterator[tuple[str, str]]:
    for kind in (
        "collections",
        "cache",
        "service",
        "backup",
        "deploy",
        "checklist",
        "prices",
        "costs",
        "waivers",
    ):
        yield kind, books[kind]


def _folders(books: dict[str, str]) -> Iterator[tuple[str, str]]:
    for kind, key in (
        ("load", "loads"),
        ("dashboard", "dashboards"),
        ("drill", "drills"),
        ("recovery", "recoveries"),
        ("experiment", "experiments"),
        ("exercise", "training"),
        ("alerts", "alerts"),
    ):
        yield kind, books[key]


def _in_folder(folder: str, *, root: Path) -> tuple[tuple[Path, ...], list[Finding]]:
    from opsctl.config.folder import books_in

    found = books_in(root / folder)
    unread = [
        _unread(_named(path, root=root), "is no book: its name ends in `.yml`") for path in found.ignored
    ]
    if not found.is_there:
        unread.append(_unread(folder, "is not there, so no book of it was read"))
    elif not found.books:
        unread.append(_unread(folder, "holds no book"))
    return found.books, unread


def _named(path: Path, *, root: Path) -> str:
    """Return a path as the settings would name it."""
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _unread(path: str, what: str) -> Finding:
    return Finding(
        code="CFG010",
        severity=Severity.WARNING if path.endswith(".yml") else Severity.INFO,
        title=f"`{path}` {what}",
        location=Location(file=path),
    )
