"""What time is it for all who watch one drill: the wall clock, read once, so that moving it moves nothing."""

from datetime import UTC, datetime

from opsctl.core.clock import Clock


class SteadyClock:
    """A clock whose wall time goes on with the monotonic one; whoever shares it agrees on every moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now().timestamp() - clock.monotonic()

    def now(self) -> datetime:
        """Return the wall time in UTC."""
        return datetime.fromtimestamp(self.at(), tz=UTC)

    def at(self) -> float:
        """Return the wall time in seconds since 1970."""
        return self._offset + self._clock.monotonic()

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds."""
        self._clock.sleep(seconds)
