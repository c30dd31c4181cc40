"""How is a run of drills kept: one JSON document that comes back as the same values, or is refused with the place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import UsageError
from opsctl.dr.drill.book import Recovery
from opsctl.dr.drill.judge import DrillVerdict, Goals, Outcome
from opsctl.dr.drill.model import DrillRun, Stage

if TYPE_CHECKING:
    from pydantic import TypeAdapter

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
    body = {"schema": SCHEMA, **_plain(journal)}
    text = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    # Half a character, of what a command printed: no JSON can hold it.
    return text.encode(errors="replace").decode()


def from_json(text: str, *, name: str = "the text") -> Journal:
    """Return the journal that a JSON document says; `name` is how errors call it.

    Raises:
        UsageError: as `read_journal`.
    """
    from pydantic import ValidationError

    body = _parsed(text, name=name)
    try:
        # Strict, and from JSON: only there are lists tuples and texts enumerations, and nothing else is taken for anything.
        made = _adapter().validate_json(json.dumps(body, allow_nan=False), strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(
            f"`{'.'.join(str(part) for part in first['loc'])[:200] or 'the document'}` of `{name}` is not what it must be",
            code="DRC082",
            why=first["msg"],
            fix=_FIX,
        ) from error
    except ValueError:
        _no_journal(name, why="a number in it is not finite")
    _require_sense(made, name=name)
    return made


@cache
def _adapter() -> "TypeAdapter[Journal]":
    from pydantic import TypeAdapter

    return TypeAdapter(Journal)


def _plain(value: Any) -> Any:
    if isinstance(value, Recovery):
        return value.model_dump(mode="json")
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    match value:
        case Mapping():
            return {str(key): _plain(each) for key, each in value.items()}
        case tuple() | list():
            return [_plain(each) for each in value]
        case _:
            return value


def _parsed(text: str, *, name: str) -> dict[str, Any]:
    """Return the document without its schema."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in found}) != len(found):
            raise ValueError("a key stands twice in one object")
        return dict(found)

    try:
        body = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        _no_journal(name, why=str(error))
    schema = body.pop("schema", None) if isinstance(body, dict) else None
    if not isinstance(schema, str) or schema.rpartition("/")[0] != _FAMILY:
        _no_journal(name, why=f"its `schema` is not {_FAMILY}/...")
    if schema != SCHEMA:
        raise UsageError(
            f"`{name}` is of the schema `{schema[:80]}`, and this opsctl understands `{SCHEMA}`",
            code="DRC081",
            fix="use the opsctl that held the drills",
        )
    made: dict[str, Any] = body
    return made


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


def _no_journal(name: str, *, why: str) -> NoReturn:
    raise UsageError(f"`{name}` is no journal of drills", code="DRC080", why=why, fix=_FIX)
