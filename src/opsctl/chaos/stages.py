"""Who hears how far a drill is: each stage begins, goes on second by second, and ends."""

from collections.abc import Callable

from opsctl.chaos.watching import Watching
from opsctl.core.clock import Clock
from opsctl.core.events import Listener, PhaseAdvanced, PhaseFinished, PhaseStarted


class Stages:
    """Watches for the length of a stage and tells a listener about it."""

    def __init__(self, subject: str, *, watching: Watching, clock: Clock, listener: Listener) -> None:
        self._subject = subject
        self._watching = watching
        self._clock = clock
        self._listener = listener

    def watch(self, stage: str, *, seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
        """Watch until something is so, at most so long; tell whether it is."""
        subject, told, began = self._subject, 0, self._clock.monotonic()

        def tell(passed: float) -> None:
            nonlocal told
            if int(passed) > told:
                self._listener(PhaseAdvanced(subject=subject, phase=stage, advance=int(passed) - told))
                told = int(passed)

        self._listener(PhaseStarted(subject=subject, phase=stage, total=int(seconds), unit="seconds"))
        try:
            return self._watching.until(done, seconds=seconds, tell=tell)
        finally:
            lasted = self._clock.monotonic() - began
            self._listener(PhaseFinished(subject=subject, phase=stage, duration_seconds=lasted))
