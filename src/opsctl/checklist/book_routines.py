"""What is looked at daily, weekly and monthly, and who says that it was?"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from opsctl.checklist.book_query import Kind, Subject
from opsctl.checklist.quantity import Unit
from opsctl.config.model import StrictModel
from opsctl.config.quantities import PositiveDuration

_Text = Annotated[str, Field(min_length=1, max_length=300)]


class Rhythm(StrEnum):
    """How often."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Figure(StrictModel):
    """A figure to look at, of the newest record."""

    title: _Text
    kind: Kind
    subject: Subject | None = None
    """Of the newest of any, without it."""
    figure: Annotated[str, Field(min_length=1)] | None = None
    """Path of a number; the verdict without it."""
    unit: Unit = Unit.NUMBER


class Step(StrictModel):
    """One thing to look at."""

    look: _Text
    """What to look at, and what to ask oneself."""
    figures: Annotated[tuple[Figure, ...], Field(max_length=20)] = ()
    """Figures of the ledger that are shown beside it."""
    run: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(max_length=50)] = ()
    """A command of opsctl that only looks, without `opsctl`; `--run` runs it."""


class Routine(StrictModel):
    """What one does again and again."""

    title: _Text
    roles: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1, max_length=20)]
    """Who may say that it was done."""
    every: PositiveDuration
    """How long it holds once it was done."""
    grace: PositiveDuration = "6h"
    """So long it is due before it is overdue."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=50)]
