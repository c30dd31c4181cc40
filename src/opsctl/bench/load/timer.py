"""How is a sender woken at the exact moment of its next arrival, without spinning: Linux's timerfd on the event loop."""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from typing import Protocol

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC have the same values


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


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("value", _Moment))


class _KernelTimer:
    """A timerfd. `time.monotonic()` is the same clock in all processes, so that they share one start.

    uvloop's own timers count whole milliseconds, which would be a lag of up to a millisecond of the generator's own.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._file = library.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no timerfd")
        self._set = library.timerfd_settime
        self._setting = _Setting()
        self._reference = ctypes.byref(self._setting)
        self._loop = loop
        self._callback = callback
        self._is_set = False
        loop.add_reader(self._file, self._ring)

    def wake_at(self, moment: float) -> None:
        value = self._setting.value
        seconds = int(moment)
        value.seconds = seconds
        value.nanoseconds = max(1, int((moment - seconds) * 1e9))  # all zero would disarm it
        # Setting a timer anew also takes back that it has rung, so nothing needs to be read from it.
        self._set(self._file, _ABSOLUTE, self._reference, None)
        self._is_set = True

    def close(self) -> None:
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _ring(self) -> None:
        self._is_set = False
        self._callback()
        if not self._is_set and self._file >= 0:
            os.read(self._file, 8)  # else the loop would call for the old moment again and again


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
