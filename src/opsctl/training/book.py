"""What does an exercise ask for: a book of `ops/training`, one for each."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from opsctl.config.model import StrictModel

Text = Annotated[str, Field(min_length=3, max_length=400)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Preparation(StrEnum):
    """What `opsctl training start` does to the local stack, so that there is something to put right."""

    NOTHING = "nothing"
    PART_STOPPED = "part_stopped"
    """A part of the stack is stopped; which, is for the trainee to find."""
    VECTORS_STOPPED = "vectors_stopped"
    """The vector database is stopped, so that an alert fires."""
    ALIAS_REMOVED = "alias_removed"
    """The alias of a derived collection is deleted."""
    KEY_LEAKED = "key_leaked"
    """A key is made, and counts as seen by strangers."""
    VECTORS_BEHIND = "vectors_behind"
    """The service is stopped and items are changed, so that the vectors do not follow."""
    BOOK_BROKEN = "book_broken"
    """A book with mistakes is written to `ops/loads/training.yaml`."""


class Proof(StrictModel):
    """A record of the ledger that is newer than the start."""

    proven_by: Name
    """Kind of the record, such as `collections.rebuild`."""
    subject: Name | None = None
    """What it has to be about; anything without it."""
    verdicts: tuple[Literal["pass", "fail", "inconclusive"], ...] = ("pass",)
    """Which verdicts count."""
    otherwise: Text
    """What is said while it is missing: what to do, without doing it for the trainee."""


class Seen(StrEnum):
    """What is looked at in the real state."""

    PARTS_READY = "parts_ready"
    """Every part that ran at the start runs and is ready."""
    ALIAS_LEADS = "alias_leads"
    """The alias that was deleted leads to a collection that is there."""
    KEY_REVOKED = "key_revoked"
    """The key that leaked holds no more."""
    KEY_REPLACED = "key_replaced"
    """A key of the same scopes was made after the start, and holds."""
    VECTORS_FOLLOW = "vectors_follow"
    """No change of the catalogue is without its vector."""
    BOOK_RIGHT = "book_right"
    """The book that was broken is there, and right."""


class State(StrictModel):
    """Something that has to be so when it is looked at."""

    seen: Seen
    """What."""
    otherwise: Text
    """What is said while it is not so."""


class Answer(StrictModel):
    """A question that only those can answer who looked; the right answer is found in the real state."""

    answer: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
    """Name of the answer, as it is given: `--answer NAME=VALUE`."""
    question: Text
    """What is asked."""
    figure: Name | None = None
    """A figure of the newest record of `of`, such as `response.p99_ms`; without it what was prepared is the answer."""
    of: Name | None = None
    """Kind of that record."""
    within: Annotated[float, Field(ge=0.0, le=0.2)] = 0.0
    """How far a number may be off, as a part of the right one."""
    otherwise: Text
    """What is said of a wrong answer."""


Goal = Proof | State | Answer


class Exercise(StrictModel):
    """One book: the name of the file is that of the exercise."""

    title: Annotated[str, Field(min_length=3, max_length=80)]
    """What is practised, in a few words."""
    why: Text
    """When it is needed in life."""
    minutes: Annotated[int, Field(ge=1, le=240)]
    """How long somebody takes who does it for the first time."""
    order: Annotated[int, Field(ge=1, le=99)]
    """Its place in the path."""
    read: Annotated[list[Name], Field(min_length=1)]
    """Pages to read before, as paths below `docs`."""
    prepare: Preparation = Preparation.NOTHING
    """What the start does to the local stack."""
    tasks: Annotated[list[Text], Field(min_length=1)]
    """What is to be brought about, in order."""
    done_when: Annotated[list[Goal], Field(min_length=1)]
    """All of it has to hold, as it is looked at; a state that nothing was done to must not be enough."""
    hints: list[Text] = Field(default_factory=list)
    """Given one after the other, and counted."""


def asked_by(exercise: Exercise) -> tuple[str, ...]:
    """Return the names of the answers that an exercise asks for, in its order."""
    return tuple(goal.answer for goal in exercise.done_when if isinstance(goal, Answer))
