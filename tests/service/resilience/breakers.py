"""A breaker with its time, its chance and a memory of what it told."""

from typing import Any

from tests.service.cache.clocks import Time

from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import BreakerOptions, BreakerState, Outcome, Permit


class Watched:
    """A breaker under test; chance is 0.5 unless told, which is an open time without jitter."""

    def __init__(self, **options: Any) -> None:
        self.time = Time(1000.0)
        self.chance = 0.5
        self.changes: list[tuple[BreakerState, BreakerState]] = []
        self.options = BreakerOptions(**{"slow_seconds": 0.5} | options)
        self.breaker = CircuitBreaker(
            "vectors", self.options, now=self.time, random=lambda: self.chance, changed=self._changed
        )

    def _changed(self, name: str, before: BreakerState, after: BreakerState) -> None:
        assert name == "vectors"
        self.changes.append((before, after))

    def permit(self) -> Permit:
        """Take a permit that must be there."""
        permit = self.breaker.acquire()
        assert permit is not None
        return permit

    def call(self, outcome: Outcome, *, times: int = 1, seconds: float = 0.0) -> None:
        """Make calls that are let through, one after the other."""
        for _ in range(times):
            permit = self.permit()
            self.time.pass_by(seconds)
            self.breaker.release(permit, outcome)

    def open(self) -> None:
        """Have a closed breaker open."""
        self.call(Outcome.FAILURE, times=self.options.consecutive_failures)
        assert self.breaker.state is BreakerState.OPEN

    def wait_until_it_tries(self) -> None:
        """Let the open time pass."""
        self.time.pass_by(self.breaker.retry_after_seconds + 1e-6)
