"""A clock that a test owns: sleeping takes no time, and wall time goes on with it."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Starts at a fixed moment; every look at it takes a microsecond, so that no duration is zero."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the wall time."""
        return self.moment + timedelta(seconds=int(self.seconds))

    def monotonic(self) -> float:
        """Return the time that has passed."""
        self.seconds += 1e-6
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
