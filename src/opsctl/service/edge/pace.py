"""May one more of these begin now: so many a second, so many at once (a token bucket kept as one number)."""

from collections.abc import Callable


class Pace:
    """Lets `per_second` things begin a second in the long run, and `burst` of them at once.

    Kept as the time at which the bucket would be full again, as in GCRA (ITU-T I.371).
    """

    def __init__(self, *, per_second: float, burst: int, now: Callable[[], float]) -> None:
        self._seconds_each = 1.0 / per_second
        self._burst_seconds = burst / per_second
        self._now = now
        self._full_at = float("-inf")

    def take(self) -> bool:
        """Begin one, or return False: it is too soon."""
        now = self._now()
        full_at = max(self._full_at, now) + self._seconds_each
        # Sums of floats: the burst's last one must not fail by a rounding error.
        if full_at - now > self._burst_seconds * (1 + 1e-9):
            return False
        self._full_at = full_at
        return True
