"""How does a phase of the work tell that it begins, goes on and ends."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opsctl.core.clock import Clock
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted

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
    began, done = clock.monotonic(), 0

    def advance(by: int) -> None:
        nonlocal done
        done += by
        listener(PhaseAdvanced(subject=subject, phase=phase, advance=by))

    listener(PhaseStarted(subject=subject, phase=phase, total=total, unit=unit))
    yield advance
    took = clock.monotonic() - began
    listener(PhaseFinished(subject=subject, phase=phase, duration_seconds=took, figures={unit: done}))


def counted(pieces: Iterable[bytes], advance: Advance) -> Iterator[bytes]:
    """Yield the pieces and tell of each."""
    for piece in pieces:
        yield piece
        advance(len(piece))
