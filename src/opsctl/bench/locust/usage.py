"""What did this process use since it was last asked: CPU time, waiting for a CPU, memory."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from opsctl.clients.procfs import memory_bytes_of


def _starved_seconds() -> float:
    """Return how long this process was ready to run without a CPU; 0 where the system does not tell."""
    schedule = Path("/proc/self/schedstat")
    return int(schedule.read_text(encoding="ascii").split()[1]) / 1e9 if schedule.exists() else 0.0


@dataclass(slots=True)
class Usage:
    """Counts from its making on."""

    _cpu_seconds: float = field(default_factory=time.process_time)
    _starved_seconds: float = field(default_factory=_starved_seconds)

    def since_last(self) -> tuple[float, float]:
        """Return the CPU seconds and the seconds of waiting for a CPU since the last call."""
        cpu, starved = time.process_time(), _starved_seconds()
        used = cpu - self._cpu_seconds, max(0.0, starved - self._starved_seconds)
        self._cpu_seconds, self._starved_seconds = cpu, starved
        return used


def resident_bytes_now() -> int:
    """Return the memory of this process."""
    return memory_bytes_of(os.getpid())
