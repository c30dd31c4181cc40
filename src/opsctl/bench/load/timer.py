"""How is a sender woken at the exact moment of its next arrival, without spinning: Linux's timerfd on the event loop."""

import asyncio
import sys
from collections.abc import Callable
from typing import Protocol

from opsctl.bench.load.timerfd import TimerFile


class Timer(Protocol):
    """One alarm at a time."""

    def wake_at(self, moment: float) -> None:
        """Call back at a moment of `time.monotonic()`; a moment that has passed means at once. Replaces the last one."""
        ...

    def close(self) -> None:
        """Never call back again."""
        ...


def make_timer(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> Timer:
    """Return the most exact timer that the system has."""
    return _KernelTimer(loop, callback) if sys.platform == "linux" else LoopTimer(loop, callback)


class _KernelTimer:
    """A timerfd: uvloop's own timers count whole milliseconds, which would be a lag of up to one of the generator's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._file = TimerFile()
        self._loop = loop
        self._callback = callback
        self._is_set = False
        loop.add_reader(self._file.number, self._ring)

    def wake_at(self, moment: float) -> None:
        self._file.set(moment)
        self._is_set = True

    def close(self) -> None:
        if self._file.is_open:
            self._loop.remove_reader(self._file.number)
            self._file.close()

    def _ring(self) -> None:
        self._is_set = False
        self._callback()
        if not self._is_set and self._file.is_open:
            self._file.silence()  # else the loop would call for the old moment again and again


class LoopTimer:
    """The event loop's own timer, where there is nothing better."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None

    def wake_at(self, moment: float) -> None:
        """Set the one alarm."""
        self.close()
        self._handle = self._loop.call_at(moment, self._callback)

    def close(self) -> None:
        """Take it back."""
        if self._handle is not None:
            self._handle.cancel()
