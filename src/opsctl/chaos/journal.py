"""How is a run of drills kept: one JSON document with reports and verdicts, which comes back as the same values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opsctl.chaos.book import Control, Drill
from opsctl.chaos.load_drills import NamedDrill
from opsctl.chaos.report import (
    AlertSeen,
    CallsSeen,
    CounterSeen,
    DrillReport,
    FaultSpan,
    Mitigated,
    ProbeSeen,
)
from opsctl.chaos.sample import Phase, PhaseFigures, Point
from opsctl.chaos.verdict import Aspect, DrillVerdict, Outcome, Reason
from opsctl.clients.files import read_text, write_atomically
from opsctl.core.errors import UsageError

SCHEMA = "opsctl.chaos.journal/1"

_ROWS = {
    "faults": FaultSpan,
    "alerts": AlertSeen,
    "calls": CallsSeen,
    "counters": CounterSeen,
    "points": Point,
}


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
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"`{path}` is no journal of drills",
            code="CHA030",
            why=str(error),
            fix=f"it has to be a document `{SCHEMA}`, as `opsctl chaos run` writes it",
        ) from error


def to_json(journal: Journal) -> str:
    """Return a journal as JSON, sorted and ending with a newline."""
    entries = [
        {
            "drill": entry.drill.model_dump(mode="json", by_alias=True),
            "report": asdict(entry.report),
            "verdict": asdict(entry.verdict),
            "book_digest": entry.book_digest,
        }
        for entry in journal.entries
    ]
    body = {"schema": SCHEMA, "run_id": journal.run_id, "simulated": journal.simulated, "entries": entries}
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Journal:
    """Return the journal again.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: when it is not a whole journal of this version.
    """
    body = json.loads(text)
    if body["schema"] != SCHEMA:
        raise ValueError(f"its schema is `{body['schema']}`, not `{SCHEMA}`")
    return Journal(
        run_id=str(body["run_id"]),
        simulated=tuple(body["simulated"]),
        entries=tuple(
            Entry(
                drill=Drill.model_validate(entry["drill"]),
                report=_report(entry["report"]),
                verdict=_verdict(entry["verdict"]),
                book_digest=str(entry["book_digest"]),
            )
            for entry in body["entries"]
        ),
    )


def _report(plain: Mapping[str, Any]) -> DrillReport:
    values = dict(plain)
    for name, kind in _ROWS.items():
        values[name] = tuple(kind(**row) for row in values.get(name, ()))
    for name in ("errors", "lost_leases", "undo_failures", "residue", "after"):
        values[name] = tuple(plain[name])
    values["unfelt"] = tuple(plain.get("unfelt", ()))  # older runs have none of these
    tier_after = plain.get("tier_after")
    values["tier_after"] = None if tier_after is None else tuple(tier_after)
    values["probes"] = tuple(ProbeSeen(**{**row, "phase": Phase(row["phase"])}) for row in plain["probes"])
    values["phases"] = {Phase(name): PhaseFigures(**row) for name, row in plain["phases"].items()}
    values["control"] = Control(plain["control"])
    values["mitigation"] = None if plain["mitigation"] is None else Mitigated(**plain["mitigation"])
    return DrillReport(**values)


def _verdict(plain: Mapping[str, Any]) -> DrillVerdict:
    return DrillVerdict(
        drill=plain["drill"],
        outcome=Outcome(plain["outcome"]),
        reasons=_reasons(plain["reasons"]),
        seen=_reasons(plain["seen"]),
        is_interrupted=bool(plain["is_interrupted"]),
    )


def _reasons(rows: Sequence[Mapping[str, str]]) -> tuple[Reason, ...]:
    return tuple(Reason(aspect=Aspect(row["aspect"]), text=row["text"]) for row in rows)
