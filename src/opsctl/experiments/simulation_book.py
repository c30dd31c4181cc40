"""How is an experiment first run where the truth is known: the part `simulation` of its book, on which no verdict rests."""

from typing import Annotated, Any

from pydantic import Field

from opsctl.config.model import StrictModel


class Simulation(StrictModel):
    """How the experiment is first run where the truth is known; `settings` of the arms say what each does there, too."""

    retired = {
        "study": "remove the line: a simulation is that of its own book, and takes the settings of the arms"
    }

    users: Annotated[int, Field(ge=20, le=1_000_000)] = 1000
    """Readers, over all arms."""
    days: Annotated[int, Field(ge=1, le=730)] = 14
    """Length."""
    warm_up_days: Annotated[int, Field(ge=1, le=365)] = 14
    """Days before the start in which all get the same: the pre-period."""
    warm_up: dict[str, Any] | None = None
    """Settings of what all get then; the control's without it."""
    service: dict[str, Any] = {}
    """What the service does beneath all arms, where its defaults have changed since the book was written."""
    teaches: bool = True
    """Whether the arms' learners have learned from these days; without, each begins with nothing."""
    seeds: Annotated[int, Field(ge=1, le=1000)] = 1
    """Worlds; the first one is analysed. All of them together tell the truth, and how often a plain test of each metric at the
    end was right about it: without the book's looks, corrections, caps and pre-periods."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1
    """Of the first world; the next ones follow."""
    world: dict[str, Any] = {}
    """What differs from the usual world, such as `{choice: cascade, drift: 0.02}`."""
