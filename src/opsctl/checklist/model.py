"""What is said of an item: one of five states, the figure beside its target, and the evidence behind it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from opsctl.checklist.book import Item
from opsctl.checklist.book_query import Query
from opsctl.core.exit_codes import ExitCode
from opsctl.evidence.model import Record


class State(StrEnum):
    """What is known; only `pass` is a pass, and `waived` is always shown with who waived it, why and until when."""

    PASS = "pass"  # noqa: S105 - a state, not a password
    FAIL = "fail"
    STALE = "stale"
    """There is evidence, and it no longer counts: too old, of another commit, or of a book that has changed."""
    UNKNOWN = "unknown"
    """There is no evidence, or it could not tell."""
    WAIVED = "waived"


class Present(Protocol):
    """What the project is now, for evidence to be held against."""

    def commit(self) -> str | None:
        """Return the commit that is checked out, with `+changes` where files differ; None without git."""
        ...

    def changed_since(self, commit: str, paths: Sequence[str]) -> Sequence[str] | None:
        """Return which files below these paths differ from a commit; None where that cannot be told."""
        ...

    def digest(self, kind: str, subject: str, name: str) -> str | None:
        """Return what an input of a kind of record would be for a subject now; None where that cannot be told."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the ledger says to one query about one subject.

    Args:
        query: what was asked.
        subject: about what; empty where any would do and there is none.
        state: never `waived`.
        reason: why it is not a pass; empty for a pass.
        record: the newest record, where there is one.
        number: the figure, where one was asked for and is there.
    """

    query: Query
    subject: str
    state: State
    reason: str = ""
    record: Record | None = None
    number: float | None = None
    expires_at: datetime | None = None

    @property
    def simulated(self) -> tuple[str, ...]:
        """Return what part of the record was simulated."""
        return () if self.record is None else self.record.simulated


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Somebody's word for an item, and why it does not count, if it does not."""

    account: str
    role: str
    record: Record
    trouble: str = ""
    expires_at: datetime

    @property
    def name(self) -> str:
        """Return the person's name as it was when they signed."""
        return str(self.record.figures.get("name", self.account))

    @property
    def by(self) -> str:
        """Return which user of which machine signed; a name is no password, and this is what stands beside it."""
        return "@".join(str(self.record.figures.get(name, "unknown")) for name in ("user", "host"))

    @property
    def note(self) -> str:
        """Return what they wrote beside it."""
        return str(self.record.figures.get("note", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """That somebody sets an item aside for a while."""

    account: str
    reason: str
    record: Record
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An item and all that is known of it.

    Args:
        state: what holds, a waiver counted.
        beneath: what would hold without the waiver.
        deciding: the answer that the state rests on, and whose figure is shown; None where people decide.
        next_command: what to type to get on; empty where it passes.
    """

    code: str
    item: Item
    state: State
    beneath: State
    reason: str
    answers: tuple[Answer, ...]
    deciding: Answer | None
    signatures: tuple[Signature, ...] = ()
    waiver: Waiver | None = None
    expires_at: datetime | None = None
    next_command: str = ""

    @property
    def measured_at(self) -> datetime | None:
        """Return when the oldest evidence that counts was recorded."""
        return min((record.recorded_at for record in self.evidence), default=None)

    @property
    def simulated(self) -> tuple[str, ...]:
        """Return what was simulated in the evidence that counts."""
        return tuple(dict.fromkeys(each for answer in self.answers for each in answer.simulated))

    @property
    def evidence(self) -> tuple[Record, ...]:
        """Return every record that was looked at, each once."""
        records = [answer.record for answer in self.answers if answer.record is not None]
        records += [signature.record for signature in self.signatures]
        records += [] if self.waiver is None else [self.waiver.record]
        return tuple({record.id: record for record in records}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole list."""

    title: str
    at: datetime
    commit: str | None
    items: tuple[Judged, ...]

    @property
    def counts(self) -> Mapping[State, int]:
        """Return how many items are in each state, those with none, too."""
        counted = Counter(each.state for each in self.items)
        return {state: counted[state] for state in State}

    @property
    def exit_code(self) -> ExitCode:
        """Return 0 when all pass or are waived, 1 with anything failed or stale, 5 where some are only unknown."""
        counts = self.counts
        if counts[State.FAIL] or counts[State.STALE]:
            return ExitCode.BAD_VERDICT
        return ExitCode.INCONCLUSIVE if counts[State.UNKNOWN] or not self.items else ExitCode.GOOD

    @property
    def simulated(self) -> tuple[str, ...]:
        """Return everything that was simulated."""
        return tuple(dict.fromkeys(each for item in self.items for each in item.simulated))
