"""Did this machine give the measuring process the CPU it asked for: a short spin, its CPU time beside wall time."""

import os
import time
from dataclasses import dataclass
from typing import Protocol

_SPIN_STEPS = 20_000  # about a third of a millisecond: long enough for both clocks, too short to disturb


@dataclass(frozen=True, slots=True, kw_only=True)
class SpinReading:
    """One spin: the CPU it used and the wall time it took; the rest was given to somebody else."""

    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """How quiet the machine was during a run."""

    starved_share: float
    """Share of wall time in which the spinning process wanted the CPU and did not have it."""
    load_per_core: float
    """Load average of the last minute, over the number of cores, at the end of the run."""
    client_cpu_share: float
    """CPU time of this process over wall time: near 1, the client itself was the bottleneck."""


class Host(Protocol):
    """The machine that the measuring process runs on."""

    def spin(self) -> SpinReading:
        """Keep the CPU busy for a moment and compare the clocks."""
        ...

    def load_per_core(self) -> float:
        """Return the load average of the last minute over the number of cores."""
        ...

    def process_seconds(self) -> float:
        """Return the CPU time this process has used so far."""
        ...


class SystemHost:
    """The real machine."""

    def spin(self) -> SpinReading:
        """Keep the CPU busy for a moment and compare the clocks."""
        wall, cpu = time.perf_counter(), time.thread_time()
        sum(range(_SPIN_STEPS))
        return SpinReading(cpu_seconds=time.thread_time() - cpu, wall_seconds=time.perf_counter() - wall)

    def load_per_core(self) -> float:
        """Return the load average of the last minute over the number of cores."""
        return os.getloadavg()[0] / (os.cpu_count() or 1)

    def process_seconds(self) -> float:
        """Return the CPU time this process has used so far."""
        return time.process_time()


def starved_share(readings: list[SpinReading]) -> float:
    """Return the share of the spins' wall time without a CPU, in [0, 1]."""
    wall = sum(reading.wall_seconds for reading in readings)
    cpu = sum(reading.cpu_seconds for reading in readings)
    return max(0.0, 1 - cpu / wall) if wall > 0 else 0.0
