"""How is a run of drills kept: one JSON document with reports and verdicts, which comes back as the same values."""

from dataclasses import dataclass
from pathlib import Path

from opsctl.chaos.book import Drill
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.report import DrillReport
from opsctl.chaos.verdict import DrillVerdict
from opsctl.clients.files import read_text, write_atomically
from opsctl.config.documents import NotKeptError, document_text, parsed_document, value_of
from opsctl.core.errors import UsageError

SCHEMA = "opsctl.chaos.journal/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One drill of a run, with its book as it was then."""

    drill: Drill
    report: DrillReport
    verdict: DrillVerdict
    book_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One run of drills."""

    run_id: str
    entries: tuple[Entry, ...]
    simulated: tuple[str, ...] = ()


def entry_of(named: NamedDrill, *, report: DrillReport, verdict: DrillVerdict) -> Entry:
    """Return what a journal keeps of a drill."""
    return Entry(drill=named.drill, report=report, verdict=verdict, book_digest=named.digest)


def write_journal(path: Path, journal: Journal) -> None:
    """Write a journal as a whole.

    Raises:
        NotReadyError: when the disk is full or the folder cannot be written.
    """
    write_atomically(path, to_json(journal))


def read_journal(path: Path) -> Journal:
    """Read a journal back.

    Raises:
        UsageError: CHA030 it is no journal of this version; FIL004 it is not there.
    """
    try:
        return from_json(read_text(path))
    except NotKeptError as error:
        raise UsageError(
            f"`{path}` is no journal of drills",
            code="CHA030",
            why=str(error),
            fix=f"it has to be a document `{SCHEMA}`, as `opsctl chaos run` writes it",
        ) from error


def to_json(journal: Journal) -> str:
    """Return a journal as JSON, sorted and ending with a newline."""
    return document_text({"schema": SCHEMA}, journal)


def from_json(text: str) -> Journal:
    """Return the journal again; older runs lack what nobody looked at then.

    Raises:
        NotKeptError: it is not a whole journal of this version.
    """
    body = parsed_document(text)
    schema = body.pop("schema", None)
    if schema != SCHEMA:
        raise NotKeptError(f"its schema is `{schema}`, not `{SCHEMA}`")
    return value_of(Journal, body)
