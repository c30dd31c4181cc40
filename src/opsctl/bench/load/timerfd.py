"""What wakes a process at an exact moment: a Linux timerfd, for whichever event loop waits for it to be readable."""

import ctypes
import os

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # TFD_NONBLOCK and TFD_CLOEXEC have the same values


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("value", _Moment))


class TimerFile:
    """One alarm; `number` is the file that becomes readable when it rings.

    On Linux `time.monotonic` and `time.perf_counter` are the kernel's one clock, the same in all processes.

    Raises:
        OSError: the kernel has no timerfd.
    """

    def __init__(self) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self.number = library.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self.number < 0:
            raise OSError(ctypes.get_errno(), "no timerfd")
        self._set = library.timerfd_settime
        self._setting = _Setting()
        self._reference = ctypes.byref(self._setting)

    @property
    def is_open(self) -> bool:
        """Tell whether it can still ring."""
        return bool(self.number >= 0)

    def set(self, moment: float) -> None:
        """Ring at a moment of the clock, at once if it has passed, instead of at the last one.

        Setting it anew also takes back that it has rung, so nothing needs to be read from it then.
        """
        value = self._setting.value
        seconds = int(moment)
        value.seconds = seconds
        value.nanoseconds = max(1, int((moment - seconds) * 1e9))  # all zero would disarm it
        self._set(self.number, _ABSOLUTE, self._reference, None)

    def silence(self) -> None:
        """Take back that it has rung."""
        os.read(self.number, 8)

    def close(self) -> None:
        """Never ring again."""
        if self.is_open:
            os.close(self.number)
            self.number = -1
