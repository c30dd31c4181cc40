"""What does the ledger say to one query: pass, fail, stale or unknown, and why?"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from opsctl.checklist.book_query import Query
from opsctl.checklist.model import Answer, Present, State
from opsctl.checklist.quantity import figure_at, written
from opsctl.core.units import format_age, parse_duration
from opsctl.evidence.model import Record, Verdict

_SHOWN_FILES = 2
_SHOWN_SUBJECTS = 3
_VERDICT_IS = "its verdict is"


def answers(query: Query, *, newest: "Newest", present: Present, now: datetime) -> tuple[Answer, ...]:
    """Return an answer for each subject that is named, or the best where any will do."""
    if query.wanted_subjects:
        others = newest.subjects(query.kind)
        return tuple(
            _answer(
                query,
                subject=subject,
                record=newest.of(query.kind, subject),
                present=present,
                now=now,
                others=others,
            )
            for subject in query.wanted_subjects
        )
    found = [
        _answer(query, subject=record.subject, record=record, present=present, now=now)
        for record in newest.of_kind(query.kind)
    ]
    if not found:
        return (_answer(query, subject="", record=None, present=present, now=now),)
    return (min(found, key=lambda answer: _ANY_SUBJECT.index(answer.state)),)


_ANY_SUBJECT = (State.PASS, State.STALE, State.UNKNOWN, State.FAIL)
"""Where any subject will do, one that fails does not keep another from being measured."""


class Newest:
    """The newest record of each kind and subject."""

    def __init__(self, records: Sequence[Record]) -> None:
        """Take the records of a ledger, the newest first."""
        self._records: dict[tuple[str, str], Record] = {}
        for record in records:
            self._records.setdefault((record.kind, record.subject), record)

    def of(self, kind: str, subject: str) -> Record | None:
        """Return the newest record of a kind about a subject."""
        return self._records.get((kind, subject))

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """Return the newest record about each subject of a kind, the newest first."""
        return tuple(record for (each, _), record in self._records.items() if each == kind)

    def subjects(self, kind: str) -> str:
        """Return what there are records of, in words such as `of `quick``; empty where there are none."""
        found = [record.subject for record in self.of_kind(kind)]
        shown = ", ".join(f"`{each}`" for each in found[:_SHOWN_SUBJECTS])
        more = f" and {len(found) - _SHOWN_SUBJECTS} more" if len(found) > _SHOWN_SUBJECTS else ""
        return f"of {shown}{more}" if found else ""


def _answer(
    query: Query, *, subject: str, record: Record | None, present: Present, now: datetime, others: str = ""
) -> Answer:
    if record is None:
        about = f" of `{subject}`" if subject else ""
        return Answer(
            query=query,
            subject=subject,
            state=State.UNKNOWN,
            reason=f"there is no record `{query.kind}`{about}{f', only {others}' if others else ''}",
        )
    number = None if query.figure is None else figure_at(record.figures, query.figure)
    state, reason = _judged(query, record=record, number=number)
    outdated = next(_outdated(query, record=record, present=present, now=now), None)
    if outdated is not None and state is not State.UNKNOWN:
        also = f"; {_past(reason)}" if state is State.FAIL else ""
        # That nobody can tell whether it still holds makes no failure better.
        state = State.FAIL if (state, outdated[0]) == (State.FAIL, State.UNKNOWN) else outdated[0]
        reason = f"{outdated[1]}{also}"
    return Answer(
        query=query,
        subject=subject,
        state=state,
        reason=reason,
        record=record,
        number=number,
        expires_at=expiry(query, record),
    )


def expiry(query: Query, record: Record) -> datetime:
    """Return when a record no longer counts: its own expiry, or the query's age, whichever comes first."""
    if query.max_age is None:
        return record.expires_at
    return min(record.expires_at, record.recorded_at + timedelta(seconds=parse_duration(query.max_age)))


def _judged(query: Query, *, record: Record, number: float | None) -> tuple[State, str]:
    """Return what the record says by itself, its age and what it is bound to left aside."""
    if record.verdict is Verdict.INCONCLUSIVE:
        return State.UNKNOWN, _with_reasons("the newest record could not tell", record)
    if query.figure is not None:
        if number is None:
            return State.UNKNOWN, f"the record has no number `{query.figure}`"
        if not query.holds(number):
            return State.FAIL, f"{written(number, query.unit)}, wanted {query.target}"
    if query.verdict == "pass" and record.verdict is not Verdict.PASS:
        return State.FAIL, _with_reasons(f"{_VERDICT_IS} fail", record)
    return State.PASS, ""


def _past(reason: str) -> str:
    """Return what a failure was: a figure is put into a sentence, a verdict is one."""
    return reason if reason.startswith(_VERDICT_IS) else f"it was {reason}"


def _with_reasons(text: str, record: Record) -> str:
    """Add what the record itself says about why, where it is text."""
    for name in ("reasons", "problems", "invalid_because", "reason"):
        said = record.figures.get(name)
        told = "; ".join(map(str, said)) if isinstance(said, list) else said
        if isinstance(told, str) and told not in ("", "none", "nothing"):
            return f"{text}: {told}"
    return text


def _outdated(
    query: Query, *, record: Record, present: Present, now: datetime
) -> Iterator[tuple[State, str]]:
    """Yield why the record no longer counts, or why that cannot be told."""
    if record.is_of_the_future(now):
        yield State.UNKNOWN, "it was recorded in the future: a clock is wrong"
    if now >= (ends := expiry(query, record)):
        yield State.STALE, f"it counted until {format_age((now - ends).total_seconds())} ago"
    yield from _of_another_commit(query, record=record, present=present)
    for name in query.inputs:
        yield from _of_other_input(name, record=record, present=present)


def _of_another_commit(query: Query, *, record: Record, present: Present) -> Iterator[tuple[State, str]]:
    if not query.same_commit and not query.unchanged:
        return
    here, then = present.commit(), record.git_commit
    if here is None:
        yield (
            State.UNKNOWN,
            "the project is not in git (`git init`), so nobody can tell what has changed since",
        )
    elif then is None:
        yield State.STALE, "it was measured outside of git"
    elif then.endswith("+changes"):
        yield State.STALE, "it was measured with changes that were not committed"
    elif query.same_commit and here != then:
        changes = ", and it has changes that are not committed" if here.endswith("+changes") else ""
        yield State.STALE, f"it is of commit {then[:12]}; now it is {here[:12]}{changes}"
    elif query.unchanged:
        yield from _of_other_files(query, commit=then, present=present)


def _of_other_files(query: Query, *, commit: str, present: Present) -> Iterator[tuple[State, str]]:
    changed = present.changed_since(commit, query.unchanged)
    if changed is None:
        yield State.UNKNOWN, f"commit {commit[:12]} is not here, so nobody can tell what has changed since"
    elif changed:
        shown = ", ".join(f"`{path}`" for path in changed[:_SHOWN_FILES])
        more = f" and {len(changed) - _SHOWN_FILES} more" if len(changed) > _SHOWN_FILES else ""
        yield State.STALE, f"{shown}{more} changed since"


def _of_other_input(name: str, *, record: Record, present: Present) -> Iterator[tuple[State, str]]:
    then, now = record.inputs.get(name), present.digest(record.kind, record.subject, name)
    if now is None:
        yield State.UNKNOWN, f"what `{name}` is now cannot be told"
    elif then is None:
        yield State.STALE, f"the record does not say which `{name}` it is of"
    elif then.startswith(f"{now} "):
        yield State.STALE, f"its `{name}` was {then.removeprefix(f'{now} ')}"
    elif then != now:
        yield State.STALE, f"`{name}` has changed since"
