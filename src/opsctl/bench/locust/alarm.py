"""How does a greenlet wake at an exact moment: Linux's timerfd, because gevent's own timers round up to milliseconds."""

import sys
import time
from typing import Any, Protocol

import gevent
from gevent import socket as gevent_socket

from opsctl.bench.load.timerfd import TimerFile

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


class _KernelAlarm:
    """A timerfd, waited for by gevent's loop."""

    def __init__(self) -> None:
        self._file = TimerFile()
        self._readable: Any = gevent.get_hub().loop.io(self._file.number, _READ)

    def sleep_until(self, moment: float) -> None:
        self._file.set(moment)
        gevent_socket.wait(self._readable)

    def close(self) -> None:
        if self._file.is_open:
            self._readable.stop()
            self._readable.close()
            self._file.close()


class GeventAlarm:
    """gevent's own timer, where there is nothing better."""

    def sleep_until(self, moment: float) -> None:
        """Sleep, up to a millisecond too long."""
        gevent.sleep(max(0.0, moment - time.perf_counter()))

    def close(self) -> None:
        """Hold nothing."""
