"""How many calls were there lately, how many of them failed, and how many were slow."""

from collections.abc import Callable


class Window:
    """Counts over the last seconds, in a ring of buckets; adding costs the same however many were counted.

    The oldest bucket leaves as a whole, so the window reaches back between `seconds - seconds / buckets` and `seconds`.
    `calls`, `failures` and `slow` are as of the last `add` or `forward`.

    Args:
        now: a monotonic clock. Where it stands still nothing leaves; where it jumps ahead, what is older than the
            window leaves; where it goes back, what is counted counts as new, so that it still leaves in time.
    """

    __slots__ = ("_bucket_seconds", "_buckets", "_now", "_position", "_tick", "calls", "failures", "slow")

    def __init__(self, seconds: float, *, buckets: int, now: Callable[[], float]) -> None:
        self._bucket_seconds = seconds / buckets
        self._now = now
        self._tick = now() // self._bucket_seconds
        self._buckets = [[0, 0, 0] for _ in range(buckets)]
        self._position = 0
        self.calls = 0
        self.failures = 0
        self.slow = 0

    def add(self, *, failed: bool, slow: bool) -> None:
        """Count a call that has ended now."""
        self.forward()
        bucket = self._buckets[self._position]
        bucket[0] += 1
        self.calls += 1
        if failed:
            bucket[1] += 1
            self.failures += 1
        if slow:
            bucket[2] += 1
            self.slow += 1

    def forward(self) -> None:
        """Let go of what is older than the window."""
        tick = self._now() // self._bucket_seconds
        if tick != self._tick:
            # A clock that went back gives no steps, only a new beginning to count from.
            for _ in range(int(min(tick - self._tick, len(self._buckets)))):
                self._turn()
            self._tick = tick

    def clear(self) -> None:
        """Forget everything."""
        for _ in self._buckets:
            self._turn()

    def _turn(self) -> None:
        self._position = (self._position + 1) % len(self._buckets)
        calls, failures, slow = self._buckets[self._position]
        self.calls -= calls
        self.failures -= failures
        self.slow -= slow
        self._buckets[self._position] = [0, 0, 0]
