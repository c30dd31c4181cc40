"""What long work tells its listeners: typed events that a bar, a log or a journal can follow."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; `subject` names what the work is about, such as a collection."""

    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseStarted(Event):
    """A phase begins; `total` is its size in `unit`, where that is known before."""

    phase: str
    total: int | None = None
    unit: str = "items"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseAdvanced(Event):
    """The phase has done `advance` more units."""

    phase: str
    advance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFinished(Event):
    """The phase is over; `figures` are the numbers worth showing, in the order given."""

    phase: str
    duration_seconds: float
    figures: dict[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted(Event):
    """Something that the user should read, now."""

    message: str


Listener = Callable[[Event], None]
"""Anything that wants to hear events; it must not raise and must not block for long."""


def ignore(_event: Event) -> None:
    """Listen to nothing."""
