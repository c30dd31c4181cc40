"""How much CPU and memory does this process use, and how long did it wait for a CPU?"""

import os
import resource
import sys
import time
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SCHEDULER = Path("/proc/self/schedstat")
_MEMORY = Path("/proc/self/statm")


class Usage:
    """Differences since the last look."""

    def __init__(self) -> None:
        self._cpu_seconds = time.process_time()
        self._starved_seconds = _waited_for_cpu_seconds()

    def take(self) -> tuple[float, float, int]:
        """Return CPU seconds and seconds of waiting for a CPU since the last call, and the resident bytes of now."""
        cpu, starved = time.process_time(), _waited_for_cpu_seconds()
        used, waited = cpu - self._cpu_seconds, starved - self._starved_seconds
        self._cpu_seconds, self._starved_seconds = cpu, starved
        return used, max(0.0, waited), _resident_bytes()


def _waited_for_cpu_seconds() -> float:
    """Return how long this process was ready to run and did not; 0 where the system does not tell."""
    try:
        # Time on a CPU, time of waiting for one, both in nanoseconds, and the number of slices: of the main thread.
        return int(_SCHEDULER.read_bytes().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _resident_bytes() -> int:
    try:
        return int(_MEMORY.read_bytes().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError, ValueError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
