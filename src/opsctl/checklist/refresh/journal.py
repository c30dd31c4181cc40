"""What of a refresh is done, written down after each command, so that one that was killed goes on where it was?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from opsctl.config.documents import NotKeptError, document_text, parsed_document, value_of

_VERSION = 1
# What prepared the ground this long ago may be gone: a stack that was stopped, a catalogue that was emptied.
GOES_ON_FOR = timedelta(hours=6)


class Ending(StrEnum):
    """How a command of a refresh ended."""

    GOOD = "good"
    """With exit code 0."""
    BAD = "bad"
    """It did its work, and the verdict is bad: exit code 1."""
    CANNOT_TELL = "cannot tell"
    """It ran, and could not tell: exit code 5."""
    FAILED = "failed"
    """Any other exit code, or a signal."""
    TOO_LONG = "too long"
    """It was ended after its limit."""
    LEFT_OUT = "left out"
    """It was not run, because what it waits for failed, or no time was left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that has ended, or was left out."""

    name: str
    argv: tuple[str, ...]
    ending: Ending
    exit_code: int | None = None
    seconds: float = 0.0
    log: str = ""
    why: str = ""

    @property
    def ran(self) -> bool:
        """Tell whether it did its work, whatever the verdict."""
        return self.ending in (Ending.GOOD, Ending.BAD, Ending.CANNOT_TELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshJournal:
    """One refresh.

    Args:
        started_at: when it began first.
        boot: which boot of the machine it was; after another one nothing that was started runs any more.
        commit: what was checked out, and how files differed from it.
        book: digest of the checklist.
        done: in the order in which they ended.
        is_over: whether it came to its end.
    """

    started_at: datetime
    boot: str
    commit: str | None
    book: str
    done: tuple[Done, ...] = ()
    is_over: bool = False

    def with_done(self, done: Done) -> "RefreshJournal":
        """Return it with one more."""
        return replace(self, done=(*self.done, done))

    def is_gone_on_by(self, other: "RefreshJournal") -> bool:
        """Tell whether a new refresh is this one again: it was killed, lately, on the same commit and book."""
        is_recent = timedelta(0) <= other.started_at - self.started_at <= GOES_ON_FOR
        same = (self.boot, self.commit, self.book) == (other.boot, other.commit, other.book)
        return not self.is_over and is_recent and same

    def ended_before(self, name: str, argv: tuple[str, ...]) -> Done | None:
        """Return how the same command ended in this refresh, where it did its work."""
        found = [each for each in self.done if each.name == name and each.argv == argv and each.ran]
        return found[-1] if found else None


def to_text(journal: RefreshJournal) -> str:
    """Return a journal as JSON."""
    return document_text({"version": _VERSION}, journal)


def from_text(text: str) -> RefreshJournal:
    """Read a journal back.

    Raises:
        NotKeptError: it is none of this version.
    """
    body = parsed_document(text)
    version = body.pop("version", None)
    if version != _VERSION:
        raise NotKeptError(f"its version is {version}, and not {_VERSION}")
    journal = value_of(RefreshJournal, body)
    if journal.started_at.tzinfo is None:
        raise NotKeptError("it has no time zone", place="started_at")
    return journal
