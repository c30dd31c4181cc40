"""How is a run of drills kept: one JSON document that comes back as the same values, or is refused with the place."""

from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.files import read_text, write_atomically
from opsctl.config.documents import NotKeptError, document_text, parsed_document, value_of
from opsctl.core.errors import UsageError
from opsctl.dr.drill.book import Recovery
from opsctl.dr.drill.judge import DrillVerdict, Goals, Outcome
from opsctl.dr.drill.model import DrillRun, Stage

SCHEMA = "opsctl.dr.drills/1"
# The end of the year 9999, less a day: every zone can show it.
_LAST_SECOND = 253_402_214_400.0
_FAMILY = SCHEMA.rpartition("/")[0]
# A drill of a quarter of an hour takes 100 KiB; all scenarios, ten times each, are far below.
_MOST_BYTES = 64 * 1024**2
_FIX = "find the journal that `opsctl dr drill` wrote, or hold the drill again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One drill of a run, with its book and its objectives as they were then."""

    recovery: Recovery
    goals: Goals
    run: DrillRun
    verdict: DrillVerdict
    book_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One run of drills; a scenario that was drilled several times has as many entries."""

    run_id: str
    entries: tuple[Entry, ...]
    simulated: tuple[str, ...] = ()


def write_journal(path: Path, journal: Journal) -> None:
    """Write a journal as a whole.

    Raises:
        NotReadyError: when the disk is full or the folder cannot be written.
    """
    write_atomically(path, to_json(journal))


def read_journal(path: Path) -> Journal:
    """Read a journal back.

    Raises:
        UsageError: DRC080 it is no journal; DRC081 it is of another version; DRC082 a field is not what it must be;
            DRC083 it contradicts itself; FIL004 it is not there.
    """
    return from_json(read_text(path, most_bytes=_MOST_BYTES), name=str(path))


def to_json(journal: Journal) -> str:
    """Return a journal as JSON, sorted and ending with a newline.

    Raises:
        ValueError: a number is not finite; opsctl measures no such number.
    """
    return document_text({"schema": SCHEMA}, journal)


def from_json(text: str, *, name: str = "the text") -> Journal:
    """Return the journal that a JSON document says; `name` is how errors call it.

    Raises:
        UsageError: as `read_journal`.
    """
    try:
        body = parsed_document(text)
    except NotKeptError as error:
        raise _no_journal(name, why=error.why) from error
    _require_schema(body.pop("schema", None), name=name)
    try:
        made = value_of(Journal, body)
    except NotKeptError as error:
        if error.place is None:
            raise _no_journal(name, why=error.why) from error
        raise UsageError(
            f"`{error.place}` of `{name}` is not what it must be", code="DRC082", why=error.why, fix=_FIX
        ) from error
    _require_sense(made, name=name)
    return made


def _require_schema(schema: object, *, name: str) -> None:
    if not isinstance(schema, str) or schema.rpartition("/")[0] != _FAMILY:
        raise _no_journal(name, why=f"its `schema` is not {_FAMILY}/...")
    if schema != SCHEMA:
        raise UsageError(
            f"`{name}` is of the schema `{schema[:80]}`, and this opsctl understands `{SCHEMA}`",
            code="DRC081",
            fix="use the opsctl that held the drills",
        )


def _require_sense(journal: Journal, *, name: str) -> None:
    for number, entry in enumerate(journal.entries):
        contradiction = _contradiction(entry)
        if contradiction:
            raise UsageError(
                f"`entries.{number}` of `{name}` contradicts itself",
                code="DRC083",
                why=contradiction,
                fix=_FIX,
            )


def _contradiction(entry: Entry) -> str | None:
    """Return what cannot be of one drill; only what no drill of ours can leave behind."""
    reached = [each.stage for each in entry.run.stages]
    if reached != list(Stage)[: len(reached)]:
        return f"the stages are {', '.join(reached)}, and not {', '.join(Stage)}, as far as they were reached"
    times = (entry.run.started_at, entry.run.destroyed_at or 0.0, entry.run.ended_at)
    if not all(0 <= each <= _LAST_SECOND for each in times):
        return "a time in it lies outside of the years 1970 to 9999"
    if any(each.seconds < 0 for each in entry.run.stages):
        return "a stage took less than nothing"
    if (entry.verdict.outcome is Outcome.PASSED) == bool(entry.verdict.reasons):
        return (
            f"its outcome is `{entry.verdict.outcome}`, with {len(entry.verdict.reasons)} reasons against it"
        )
    return None


def _no_journal(name: str, *, why: str) -> UsageError:
    return UsageError(f"`{name}` is no journal of drills", code="DRC080", why=why, fix=_FIX)
