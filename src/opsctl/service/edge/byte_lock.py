"""How is one byte of a shared file locked among processes, fast enough for every request?"""

import ctypes
import fcntl
import os
import time

# The holder of a lock needs it for microseconds; one that was stopped meanwhile must not stop all others with it.
_LONGEST_WAIT_SECONDS = 0.25


class _Flock(ctypes.Structure):
    """`struct flock` of 64-bit Linux."""

    _fields_ = (
        ("l_type", ctypes.c_short),
        ("l_whence", ctypes.c_short),
        ("l_start", ctypes.c_int64),
        ("l_len", ctypes.c_int64),
        ("l_pid", ctypes.c_int),
    )


# `fcntl.lockf` lets go of Python's global lock around the call, and must then get it back from the server's own
# threads, twice for each cached feed. PyDLL keeps it: the call never waits.
_fcntl = ctypes.PyDLL(None).fcntl


class ByteLock:
    """Locks of single bytes of an open file, one at a time.

    These are the locks of open file descriptions (`F_OFD_SETLK`): they belong to the descriptor that was opened, not
    to the process, and the kernel lets go of them when it is closed, so also when its holder dies.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        # Made once, with pointers to them: arguments that are converted anew cost each call.
        self._locking = _Flock(l_type=fcntl.F_WRLCK, l_whence=os.SEEK_SET, l_len=1)
        self._letting_go = _Flock(l_type=fcntl.F_UNLCK, l_whence=os.SEEK_SET, l_len=1)
        self._to_locking = ctypes.byref(self._locking)
        self._to_letting_go = ctypes.byref(self._letting_go)

    def acquire(self, offset: int) -> bool:
        """Lock one byte; False when its holder keeps it for longer than a holder that runs can."""
        self._locking.l_start = offset
        return _fcntl(self._file, fcntl.F_OFD_SETLK, self._to_locking) == 0 or self._wait()

    def release(self) -> None:
        """Let go of the byte that was locked last."""
        self._letting_go.l_start = self._locking.l_start
        _fcntl(self._file, fcntl.F_OFD_SETLK, self._to_letting_go)

    def _wait(self) -> bool:
        until = time.monotonic() + _LONGEST_WAIT_SECONDS
        while time.monotonic() < until:
            os.sched_yield()
            if _fcntl(self._file, fcntl.F_OFD_SETLK, self._to_locking) == 0:
                return True
        return False
