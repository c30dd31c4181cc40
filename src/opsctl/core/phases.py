"""How does a phase of long work tell that it begins, goes on and ends: events around a block."""

from collections.abc import Iterator
from contextlib import contextmanager

from opsctl.core.clock import Clock
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted


class Phase:
    """A phase under way; what is put into `figures` is told when it is over."""

    def __init__(self, *, subject: str, phase: str, listener: Listener, clock: Clock) -> None:
        self.figures: dict[str, str | int | float] = {}
        self.done = 0
        self._subject = subject
        self._phase = phase
        self._listener = listener
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def seconds(self) -> float:
        """Return for how long it has gone on."""
        return self._clock.monotonic() - self._began

    def advance(self, by: int = 1) -> None:
        """Tell that so many more units are done."""
        self.done += by
        self._listener(PhaseAdvanced(subject=self._subject, phase=self._phase, advance=by))


@contextmanager
def told_phase(
    subject: str,
    phase: str,
    *,
    listener: Listener,
    clock: Clock,
    total: int | None = None,
    unit: str = "items",
) -> Iterator[Phase]:
    """Tell that a phase begins, and that it is over once the block is; of a block that fails no end is told."""
    under_way = Phase(subject=subject, phase=phase, listener=listener, clock=clock)
    listener(PhaseStarted(subject=subject, phase=phase, total=total, unit=unit))
    yield under_way
    listener(
        PhaseFinished(
            subject=subject, phase=phase, duration_seconds=under_way.seconds, figures=under_way.figures
        )
    )
