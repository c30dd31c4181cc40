"""How does a phase of the work tell that it begins, goes on and ends."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opsctl.core.clock import Clock
from opsctl.core.events import Listener
from opsctl.core.phases import told_phase

Advance = Callable[[int], None]


@contextmanager
def told(
    phase: str,
    *,
    subject: str,
    listener: Listener,
    clock: Clock,
    total: int | None = None,
    unit: str = "points",
) -> Iterator[Advance]:
    """Tell that a phase begins and, when the block is over, how much was done in what time."""
    with told_phase(subject, phase, listener=listener, clock=clock, total=total, unit=unit) as under_way:
        yield under_way.advance
        under_way.figures[unit] = under_way.done


def counted(pieces: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    """Yield the pieces and tell of each."""
    for piece in pieces:
        yield piece
        advance(len(piece))
