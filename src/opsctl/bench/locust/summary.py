"""What do all frames of a Locust run say together: one result, whoever sent them."""

from collections import Counter
from dataclasses import dataclass, field

from opsctl.bench.load.ports import EngineResult
from opsctl.bench.load.tally import Frame, Tally


@dataclass(slots=True)
class Summary:
    """Grows frame by frame."""

    loop: str = "open"
    aborted: str = ""
    is_complete: bool = False
    """Locust has said goodbye in order."""
    _aborted_after: float = 0.0
    _total: Tally = field(default_factory=Tally)
    _seconds: float = 0.0
    _cpu_seconds: float = 0.0
    _starved_seconds: float = 0.0
    _resident_bytes: Counter[int] = field(default_factory=Counter)
    """The most that each process held."""
    _errors: list[str] = field(default_factory=list)

    def add(self, frame: Frame) -> None:
        """Add what one process did since its last frame."""
        self._total.merge(frame.new)
        self._seconds = max(self._seconds, frame.seconds)
        self._cpu_seconds += frame.cpu_seconds
        self._starved_seconds += frame.starved_seconds
        self._resident_bytes[frame.process] = max(self._resident_bytes[frame.process], frame.resident_bytes)
        if frame.error and frame.error not in self._errors:
            self._errors.append(frame.error)

    def lose(self, process: int) -> bool:
        """Take that a process is gone, and tell whether that should end the run: its part of the arrivals is missing."""
        if not self.aborted:
            self._errors.append(f"worker {process} is gone, and its arrivals with it")
        return self.abort("a worker is gone")

    def abort(self, reason: str) -> bool:
        """Take that the run is ended early, and tell whether that is news."""
        if self.aborted:
            return False
        self.aborted, self._aborted_after = reason, self._seconds
        return True

    def result(self, *, planned_seconds: float) -> EngineResult:
        """Return all of it."""
        seconds = min(self._aborted_after, planned_seconds) if self.aborted else planned_seconds
        elapsed = self._seconds or planned_seconds
        return EngineResult(
            total=self._total,
            seconds=seconds,
            cpu_cores=self._cpu_seconds / elapsed,
            starved_share=self._starved_seconds / (elapsed * max(1, len(self._resident_bytes))),
            resident_bytes=self._resident_bytes.total(),
            errors=tuple(self._errors),
            aborted=self.aborted,
            loop=self.loop,
        )
