"""Do the calls of late speak against a dependency."""

from collections.abc import Callable

from opsctl.service.resilience.breaker_model import BreakerOptions
from opsctl.service.resilience.window import Window

_BUCKETS = 10  # as Hystrix divides its window: a tenth of what is known leaves at a time


class Evidence:
    """Shares of failures and of slow calls in a window, and failures in a row whenever they were.

    Args:
        now: a monotonic clock.
    """

    __slots__ = ("_consecutive", "_options", "_window")

    def __init__(self, options: BreakerOptions, *, now: Callable[[], float]) -> None:
        self._options = options
        self._window = Window(options.window_seconds, buckets=_BUCKETS, now=now)
        self._consecutive = 0

    def add(self, *, failed: bool, slow: bool) -> None:
        """Count a call."""
        self._window.add(failed=failed, slow=slow)
        self._consecutive = self._consecutive + 1 if failed else 0

    def is_bad(self) -> bool:
        """Tell whether one of the three rules is broken, as of the last call that was counted."""
        options, window = self._options, self._window
        if self._consecutive >= options.consecutive_failures:
            return True
        return window.calls >= options.minimum_calls and (
            window.failures >= options.failure_share * window.calls
            or window.slow >= options.slow_share * window.calls
        )

    def clear(self) -> None:
        """Forget everything."""
        self._window.clear()
        self._consecutive = 0
