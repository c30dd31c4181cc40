"""How does a greenlet wake at an exact moment: Linux's timerfd, because gevent's own timers round up to milliseconds."""

import ctypes
import os
import sys
import time
from typing import Any, Protocol

import gevent
from gevent import socket as gevent_socket

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC have the same values
_READ = 1  # libev's EV_READ


class Alarm(Protocol):
    """One greenlet's alarm."""

    def sleep_until(self, moment: float) -> None:
        """Return at a moment of `perf_counter`; at once if it has passed."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...


def make_alarm() -> Alarm:
    """Return the most exact alarm that the system has."""
    return _KernelAlarm() if sys.platform == "linux" else GeventAlarm()


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("value", _Moment))


class _KernelAlarm:
    """A timerfd. On Linux `perf_counter` and `monotonic` are the same clock, the kernel's."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self._file = library.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "no timerfd")
        self._set = library.timerfd_settime
        self._setting = _Setting()
        self._reference = ctypes.byref(self._setting)
        self._readable: Any = gevent.get_hub().loop.io(self._file, _READ)

    def sleep_until(self, moment: float) -> None:
        seconds = int(moment)
        self._setting.value.seconds = seconds
        self._setting.value.nanoseconds = max(1, int((moment - seconds) * 1e9))  # all zero would disarm it
        # Setting it anew also takes back that it has rung, so nothing needs to be read from it.
        self._set(self._file, _ABSOLUTE, self._reference, None)
        gevent_socket.wait(self._readable)

    def close(self) -> None:
        if self._file >= 0:
            self._readable.stop()
            self._readable.close()
            os.close(self._file)
            self._file = -1


class GeventAlarm:
    """gevent's own timer, where there is nothing better."""

    def sleep_until(self, moment: float) -> None:
        """Sleep, up to a millisecond too long."""
        gevent.sleep(max(0.0, moment - time.perf_counter()))

    def close(self) -> None:
        """Hold nothing."""
