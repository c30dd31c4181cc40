"""Who may be worked on now: as many as the adaptive limit allows, the others in turn, and the least urgent refused first."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from opsctl.service.resilience.deadline import within
from opsctl.service.resilience.limiter import AdaptiveLimit, Priority
from opsctl.service.turns import TooManyWaitError

_LEAST_UNDER_WAY = 4


class Stay:
    """One admitted piece of work; it says what its time tells about the load."""

    __slots__ = ("seconds", "was_dropped")

    def __init__(self) -> None:
        self.seconds: float | None = None
        self.was_dropped = False


class Admission:
    """Lets work in, the more urgent first, and in the order of coming among equals.

    Args:
        limit: how many at once.
        most_waiting: beyond these everybody is refused at once.
        longest_wait_seconds: who was not let in after so long is refused.
        is_saturated: tells whether the loop is so late that more work would make everything late; then only so much
            goes on as shows when that is over.
    """

    def __init__(
        self,
        limit: AdaptiveLimit,
        *,
        most_waiting: int,
        longest_wait_seconds: float,
        is_saturated: Callable[[], bool] = lambda: False,
    ) -> None:
        self.limit = limit
        self._is_saturated = is_saturated
        self._most_waiting = most_waiting
        self._longest_wait_seconds = longest_wait_seconds
        self._waiting: dict[Priority, deque[asyncio.Future[None]]] = {each: deque() for each in Priority}

    @property
    def waiting(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def one(self, priority: Priority, *, may_wait: bool = True) -> AsyncIterator[Stay]:
        """Wait to be let in, or go in at once; the block sets what its stay tells.

        Raises:
            TooManyWaitError: too many wait already, or there was no room in time.
        """
        await self._enter(priority, may_wait=may_wait)
        stay = Stay()
        try:
            yield stay
        finally:
            self._leave(stay)

    async def _enter(self, priority: Priority, *, may_wait: bool) -> None:
        if self.limit.in_flight >= _LEAST_UNDER_WAY and self._is_saturated():
            raise TooManyWaitError
        is_next = not any(self._waiting[each] for each in Priority if each <= priority)
        if is_next and self.limit.acquire(priority):
            return
        if not may_wait or self.waiting >= self._most_waiting:
            raise TooManyWaitError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[priority].append(turn)
        try:
            async with asyncio.timeout(within(self._longest_wait_seconds)):
                await turn
        except BaseException as error:
            self._give_up(turn, priority)
            if isinstance(error, TimeoutError):
                raise TooManyWaitError from error
            raise

    def _give_up(self, turn: "asyncio.Future[None]", priority: Priority) -> None:
        if turn.done() and not turn.cancelled():
            self._leave(Stay())  # it was let in at the very moment at which it went away
        elif turn in self._waiting[priority]:
            self._waiting[priority].remove(turn)

    def _leave(self, stay: Stay) -> None:
        self.limit.release(stay.seconds, was_dropped=stay.was_dropped)
        for priority, queue in self._waiting.items():
            while queue:
                if queue[0].done():
                    queue.popleft()
                elif self.limit.acquire(priority):
                    queue.popleft().set_result(None)
                else:
                    return
