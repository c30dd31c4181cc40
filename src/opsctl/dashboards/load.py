"""Which dashboards does a project have: the books of its folder, each with the places of its keys."""

from dataclasses import dataclass, field
from pathlib import Path

from opsctl.clients.files import read_text
from opsctl.config.folder import books_in
from opsctl.config.load import parse_book
from opsctl.config.marks import MOST_BYTES, MarkedDocument, locate, read_marked
from opsctl.core.errors import UsageError
from opsctl.core.findings import Finding, Location
from opsctl.dashboards.book import DashboardBook
from opsctl.dashboards.model import GENERATED

LOCK = "lock"
"""Of the file with the digests of all that is rendered, without its suffix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedDashboard:
    """One book; its name is that of its file, without the suffix."""

    name: str
    file: str
    text: str
    book: DashboardBook
    marks: MarkedDocument = field(repr=False)

    def at(self, *path: str | int, of_key: bool = False, fragment: str = "") -> Location:
        """Return where a value stands; the caret under a fragment of it, where it is on that line."""
        line, column = self.marks.place_of(path, prefer_key=of_key)
        place = locate(self.text, file=self.file, line=line, column=column)
        offset = (place.source or "").find(fragment, column - 1) if fragment else -1
        return locate(self.text, file=self.file, line=line, column=offset + 1) if offset >= 0 else place


def load_dashboards(folder: Path) -> tuple[LoadedDashboard, ...]:
    """Read every book of a folder; all problems of all books at once.

    Raises:
        UsageError: a book is wrong, there is none, or one has the name of a file that is made beside it.
    """
    paths = books_in(folder).books
    if not paths:
        raise UsageError(
            f"there is no dashboard in `{folder}`",
            code="CFG008",
            fix="run `opsctl init` for starters, or set `books.dashboards` to the folder of yours",
        )
    loaded: list[LoadedDashboard] = []
    findings: list[Finding] = []
    for path in paths:
        text = read_text(path, most_bytes=MOST_BYTES)
        try:
            book = parse_book(text, DashboardBook, file=str(path))
        except UsageError as error:
            findings += error.findings
            continue
        marks = read_marked(text, file=str(path))
        loaded.append(LoadedDashboard(name=path.stem, file=str(path), text=text, book=book, marks=marks))
    if findings:
        raise UsageError(
            f"the dashboards have {len(findings)} {'problem' if len(findings) == 1 else 'problems'}",
            code="CFG003",
            findings=findings,
            fix="mend them and run the same command again; nothing was changed",
        )
    for each in loaded:
        _require_own_name(each.name)
    return tuple(loaded)


def _require_own_name(name: str) -> None:
    """Refuse what is rendered anyway: `alerts.json` from the alert books, and `lock.json` with the digests of all."""
    taken = {GENERATED: "is made from the alert books", LOCK: "names all that is rendered"}
    what = taken.get(name.casefold())
    if what is not None:
        raise UsageError(
            f"`{name.casefold()}.json` {what}; a book cannot have its name",
            code="DSH090",
            fix=f"rename `{name}.yaml`",
        )
