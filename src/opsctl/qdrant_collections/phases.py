"""How does a step tell that it begins, goes on and ends: events around a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from opsctl.core.clock import Clock
from opsctl.core.events import Listener, Noted, PhaseAdvanced
from opsctl.core.phases import told_phase
from opsctl.qdrant_collections.checkpoint import Checkpoints
from opsctl.qdrant_collections.store import VectorStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every verb works with: the database, the checkpoints, the clock, and who listens."""

    store: VectorStore
    checkpoints: Checkpoints
    clock: Clock
    listener: Listener


@contextmanager
def phase(
    here: Surroundings, *, subject: str, name: str, total: int | None = None, unit: str = "points"
) -> Iterator[dict[str, Any]]:
    """Tell that a phase begins, and when the block is over how long it took, with the figures put in."""
    with told_phase(
        subject, name, listener=here.listener, clock=here.clock, total=total, unit=unit
    ) as under_way:
        yield under_way.figures


def advance(here: Surroundings, *, subject: str, name: str, by: int) -> None:
    """Tell that a phase has done some more."""
    here.listener(PhaseAdvanced(subject=subject, phase=name, advance=by))


def note(here: Surroundings, *, subject: str, message: str) -> None:
    """Tell something that the user should read now."""
    here.listener(Noted(subject=subject, message=message))
