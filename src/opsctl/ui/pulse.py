"""What does long work say where no bar can be drawn: that a phase goes on, early once and then every ten seconds?"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opsctl.core.events import Event, Noted, PhaseAdvanced, PhaseFinished, PhaseStarted
from opsctl.core.units import format_duration

FIRST_SECONDS = 1.0
"""A phase that is over before is told by its end alone."""
NEXT_SECONDS = 10.0
_LOOK_SECONDS = 0.25


@dataclass(slots=True)
class _Open:
    since: float
    total: int | None
    unit: str
    done: int = 0
    is_told: bool = False


class Pulse:
    """The phases under way, and what is due to be said of the newest one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._open: dict[tuple[str, str], _Open] = {}
        self._said_at = now()
        self._lock = threading.Lock()

    def hear(self, event: Event) -> None:
        """Take note of an event; of one that is shown as a line itself nothing is due for a while."""
        with self._lock:
            match event:
                case PhaseStarted():
                    key = (event.subject, event.phase)
                    self._open.pop(key, None)  # the newest stands last
                    self._open[key] = _Open(since=self._now(), total=event.total, unit=event.unit)
                case PhaseAdvanced():
                    if (found := self._open.get((event.subject, event.phase))) is not None:
                        found.done += event.advance
                case PhaseFinished():
                    self._open.pop((event.subject, event.phase), None)
                    self._said_at = self._now()
                case Noted():
                    self._said_at = self._now()
                case _:
                    pass

    def due(self) -> str | None:
        """Return the line that is due now, if one is, and count it as said."""
        with self._lock:
            if not self._open:
                return None
            (subject, phase), found = next(reversed(self._open.items()))
            lasted, now = self._now() - found.since, self._now()
            if lasted < FIRST_SECONDS or (found.is_told and now - self._said_at < NEXT_SECONDS):
                return None
            words = _progress(found, lasted) if found.is_told else _beginning(found)
            found.is_told, self._said_at = True, now
            return f"{subject}: {phase} {words}"


@contextmanager
def kept_up(pulse: Pulse, say: Callable[[str], None]) -> Iterator[None]:
    """Say what is due while the block runs, from a thread that ends with it."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            if (line := pulse.due()) is not None:
                say(line)

    thread = threading.Thread(target=look, name="pulse", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=1)


def _beginning(phase: _Open) -> str:
    return "begins" if phase.total is None else f"begins, {phase.total:,} {phase.unit}"


def _progress(phase: _Open, lasted: float) -> str:
    for_so_long = f"goes on, {format_duration(round(lasted))}"
    if phase.total is not None:
        return f"{for_so_long}, {phase.done:,} of {phase.total:,} {phase.unit}"
    return f"{for_so_long}, {phase.done:,} {phase.unit}" if phase.done else for_so_long
