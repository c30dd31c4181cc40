"""Which request comes next, and when: requests are made ahead of time, in small pieces."""

import math
from collections import deque
from typing import TYPE_CHECKING

from opsctl.bench.load.ports import PlannedRequest, RequestSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

_REFILL_AT, _PIECE = 128, 256
"""A large piece would itself make the sender late."""


class Upcoming:
    """The next arrivals of one process.

    Args:
        arrivals: their numbers and their seconds since the run began.
    """

    def __init__(self, arrivals: "Iterator[tuple[np.ndarray, np.ndarray]]", *, source: RequestSource) -> None:
        self._pieces = _pieces(arrivals)
        self._source = source
        self._started = 0.0
        self._moments: deque[float] = deque()
        self._requests: deque[PlannedRequest] = deque()
        self._is_exhausted = False

    @property
    def moment(self) -> float:
        """Return when the next arrival is due; infinity when there is none."""
        return self._moments[0] if self._moments else math.inf

    def begin(self, started: float) -> None:
        """Let the run begin at a moment of the monotonic clock."""
        self._started = started
        self.refill()

    def take(self) -> tuple[float, int, bytes]:
        """Return moment, endpoint and bytes of the next request."""
        endpoint, request = self._requests.popleft()
        moment = self._moments.popleft()
        if not self._moments:
            self.refill()
        return moment, endpoint, request

    def refill(self) -> None:
        """Make more requests, if few are left."""
        if len(self._moments) >= _REFILL_AT or self._is_exhausted:
            return
        piece = next(self._pieces, None)
        if piece is None:
            self._is_exhausted = True
            return
        numbers, times = piece
        self._requests.extend(self._source.batch(numbers.tolist()))
        self._moments.extend((times + self._started).tolist())


def _pieces(arrivals: "Iterator[tuple[np.ndarray, np.ndarray]]") -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    for numbers, times in arrivals:
        for first in range(0, numbers.size, _PIECE):
            yield numbers[first : first + _PIECE], times[first : first + _PIECE]
