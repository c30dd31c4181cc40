"""Which commands have to run, in which order, for which items, and how long will that take?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opsctl.checklist.book import ChecklistBook
from opsctl.checklist.book_query import Query
from opsctl.checklist.model import Judged, Report, State
from opsctl.core.units import parse_duration
from opsctl.evidence.model import Record


class Source(StrEnum):
    """How it is known how long a command takes."""

    BEFORE = "before"
    """It took so long when it was last run here."""
    LEDGER = "ledger"
    """Its records say how long the measuring took."""
    BOOK = "book"
    """The book says what is usual."""
    NOBODY = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One command.

    Args:
        name: in the book.
        argv: its words, without `opsctl`.
        after: commands of this plan that it waits for.
        items: codes of the items whose evidence it makes; none where it only prepares.
        limit_seconds: it is ended after this time.
        expected_seconds: None where nobody knows.
    """

    name: str
    argv: tuple[str, ...]
    after: tuple[str, ...]
    items: tuple[str, ...]
    limit_seconds: float
    expected_seconds: float | None
    source: Source

    @property
    def prepares(self) -> bool:
        """Tell whether it makes no evidence itself."""
        return not self.items


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshPlan:
    """What is to be run, and what cannot be.

    Args:
        commands: each once, none before what it waits for.
        nobody: codes of items that lack evidence which no command makes, or a signature.
    """

    commands: tuple[Planned, ...]
    nobody: tuple[str, ...]

    @property
    def expected_seconds(self) -> float:
        """Return how long all that is known will take."""
        return sum(each.expected_seconds or 0.0 for each in self.commands)


def plan_refresh(
    book: ChecklistBook,
    report: Report,
    *,
    records: Sequence[Record],
    took: Mapping[str, float],
    is_embedded: bool = True,
) -> RefreshPlan:
    """Plan what makes missing and stale evidence; what failed has fresh evidence, and is not asked again.

    Args:
        book: the checklist.
        report: how it stands.
        records: of the ledger, for how long things took.
        took: seconds by the name of a command, as it was last run here.
        is_embedded: whether the project uses the embedded stack; nothing is made up in the servers of others.
    """
    wanted: dict[str, dict[str, None]] = {}
    nobody: dict[str, None] = {}
    for judged in report.items:
        for query in _lacking(judged):
            if query.refresh is None:
                nobody.setdefault(judged.code)
            else:
                wanted.setdefault(query.refresh, {}).setdefault(judged.code)
        if judged.state in (State.STALE, State.UNKNOWN) and not any(_lacking(judged)):
            nobody.setdefault(judged.code)
    ordered = tuple(
        name for name in _ordered(book, set(wanted)) if is_embedded or not book.commands[name].local
    )
    commands = [
        _planned(name, book, items=tuple(wanted.get(name, ())), of=ordered, records=records, took=took)
        for name in ordered
    ]
    return RefreshPlan(commands=tuple(commands), nobody=tuple(nobody))


def _lacking(judged: Judged) -> Iterator[Query]:
    """Yield the queries of an item whose evidence is missing or stale; none of an item that passes or is waived."""
    if judged.state in (State.PASS, State.WAIVED):
        return
    for answer in judged.answers:
        if answer.state in (State.STALE, State.UNKNOWN):
            yield answer.query


def _ordered(book: ChecklistBook, wanted: set[str]) -> tuple[str, ...]:
    """Return what is wanted and what prepares it; other evidence that it waits for is made only where it is wanted, too."""
    makers = {query.refresh for item in book.items.values() for query in item.queries}
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        for before in book.commands[name].after:
            if before not in ordered and (before in wanted or before not in makers):
                add(before)
        ordered.setdefault(name)

    for name in book.commands:
        if name in wanted and name not in ordered:
            add(name)
    return tuple(ordered)


def _planned(
    name: str,
    book: ChecklistBook,
    *,
    items: tuple[str, ...],
    of: Sequence[str],
    records: Sequence[Record],
    took: Mapping[str, float],
) -> Planned:
    command = book.commands[name]
    expected, source = _expected(name, book, records=records, took=took)
    return Planned(
        name=name,
        argv=command.run,
        after=tuple(before for before in command.after if before in of),
        items=items,
        limit_seconds=parse_duration(command.limit),
        expected_seconds=expected,
        source=source,
    )


def _expected(
    name: str, book: ChecklistBook, *, records: Sequence[Record], took: Mapping[str, float]
) -> tuple[float | None, Source]:
    if name in took:
        return took[name], Source.BEFORE
    measured: dict[tuple[str, str], float] = {}
    for query in (query for item in book.items.values() for query in item.queries if query.refresh == name):
        for record in records:
            if record.kind == query.kind and (
                not query.wanted_subjects or record.subject in query.wanted_subjects
            ):
                measured.setdefault((record.kind, record.subject), record.duration_seconds)
    if measured:
        return sum(measured.values()), Source.LEDGER
    usual = book.commands[name].usual
    return (None, Source.NOBODY) if usual is None else (parse_duration(usual), Source.BOOK)
