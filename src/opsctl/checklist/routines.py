"""When was a routine done last, is it due, and what is there to look at?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from opsctl.checklist.book_routines import Figure, Rhythm, Routine, Step
from opsctl.checklist.quantity import figure_at, written
from opsctl.checklist.signing import Signer
from opsctl.core.units import parse_duration
from opsctl.evidence.model import Evidence, Record, Verdict, digest_of

ROUTINE_KIND = "checklist.routine"


class Due(StrEnum):
    """Whether it is time."""

    DONE = "done"
    """Done, and not due yet."""
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a routine stands.

    Args:
        last: the record of when it was done last; None where it never was.
        due_at: when it is due; None where it never was done, and so is due now.
    """

    rhythm: Rhythm
    routine: Routine
    due: Due
    last: Record | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A figure to look at, as the newest record has it, and as the one before it had.

    Args:
        now: written with its unit; empty where there is no such record.
        before: of the record before; empty where there is none.
    """

    title: str
    now: str
    before: str = ""
    record: Record | None = None


def standing(
    rhythm: Rhythm, routine: Routine, *, accounts: Mapping[str, str], records: Sequence[Record], now: datetime
) -> Standing:
    """Say whether a routine is due.

    Args:
        rhythm: which.
        routine: what the book says of it.
        accounts: role by account; what somebody did who may not any more does not count.
        records: of the ledger, the newest first.
        now: the moment.
    """
    last = next((each for each in records if _counts(each, rhythm, routine, accounts)), None)
    if last is None:
        return Standing(rhythm=rhythm, routine=routine, due=Due.DUE, last=None, due_at=None)
    due_at = last.recorded_at + timedelta(seconds=parse_duration(routine.every))
    overdue_at = due_at + timedelta(seconds=parse_duration(routine.grace))
    due = Due.OVERDUE if now >= overdue_at else Due.DUE if now >= due_at else Due.DONE
    return Standing(rhythm=rhythm, routine=routine, due=due, last=last, due_at=due_at)


def _counts(record: Record, rhythm: Rhythm, routine: Routine, accounts: Mapping[str, str]) -> bool:
    if (record.kind, record.subject) != (ROUTINE_KIND, rhythm):
        return False
    return accounts.get(str(record.figures.get("account", ""))) in routine.roles


def seen(step: Step, *, records: Sequence[Record]) -> tuple[Seen, ...]:
    """Return the figures of a step; records come newest first."""
    return tuple(_seen(figure, records) for figure in step.figures)


def _seen(figure: Figure, records: Sequence[Record]) -> Seen:
    found = [
        each
        for each in records
        if each.kind == figure.kind and (figure.subject is None or each.subject == figure.subject)
    ]
    if not found:
        return Seen(title=figure.title, now="")
    same = [each for each in found if each.subject == found[0].subject]
    before = _text(figure, same[1]) if len(same) > 1 else ""
    return Seen(title=figure.title, now=_text(figure, found[0]), before=before, record=found[0])


def _text(figure: Figure, record: Record) -> str:
    if figure.figure is None:
        return str(record.verdict)
    number = figure_at(record.figures, figure.figure)
    return "-" if number is None else written(number, figure.unit)


def routine_evidence(
    rhythm: Rhythm, routine: Routine, *, signer: Signer, note: str, ran: Mapping[str, int], at: datetime
) -> Evidence:
    """Return the proof that somebody did a routine.

    Args:
        rhythm: which.
        routine: as the book has it.
        signer: who.
        note: what they found.
        ran: exit codes of what was run for it, by command.
        at: when.
    """
    return Evidence(
        kind=ROUTINE_KIND,
        subject=str(rhythm),
        verdict=Verdict.PASS,
        figures=signer.figures() | {"note": note, "ran": dict(ran), "steps": len(routine.steps)},
        inputs={"routine": digest_of(routine.model_dump(mode="json"))},
        tools={},
        started_at=at,
        duration_seconds=0.0,
        valid_for=timedelta(seconds=parse_duration(routine.every)),
    )
