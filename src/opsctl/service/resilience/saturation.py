"""Is this worker's loop so busy that whoever comes now would wait for it: looked at each 50 ms.

How many pieces of work are under way does not tell: where work takes processor time, all of it takes turns on one loop, and
a request that has just come waits for many turns before anybody looks at it.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

_LOOK_SECONDS = 0.05
# A lag is forgotten by and by, so that one look between two long turns does not let a crowd in.
_FADING = 0.7


class LoopSaturation:
    """Measures how late the loop comes to what is due.

    Args:
        most_lag_seconds: beyond this it is saturated.
        now: a monotonic clock.
    """

    def __init__(self, *, most_lag_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._most_lag_seconds = most_lag_seconds
        self._now = now
        self.lag_seconds = 0.0

    @property
    def is_saturated(self) -> bool:
        """Tell whether the loop is late."""
        return self.lag_seconds > self._most_lag_seconds

    def note(self, lag_seconds: float) -> None:
        """Take in one look."""
        self.lag_seconds = max(lag_seconds, _FADING * self.lag_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stop.is_set():
            began = self._now()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
            self.note(max(0.0, self._now() - began - _LOOK_SECONDS))
