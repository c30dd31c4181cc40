"""How is one dependency asked: a turn, a permit, a time limit, and what came of it told to the breaker.

Who is given up, an open breaker and a bulkhead before which too many wait already say no at once; the others wait for
their turn, which is their own time and not that of whom they ask. Retries stand outside, so that every attempt is seen by
the breaker.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import Outcome
from opsctl.service.resilience.deadline import within
from opsctl.service.resilience.failures import (
    DependencyError,
    is_fault_of_dependency,
    left_alone,
    no_room,
    too_late,
)
from opsctl.service.resilience.given_up import give_up, is_given_up
from opsctl.service.turns import TooManyWaitError, Turns

# A call that had less than this part of its usual time, because its request or our own queue left no more, says nothing
# of whom it asked.
_FAIR_SHARE = 0.5
# Who fails after this part of its time was late: servers are told to give up a little before their callers.
_LATE_SHARE = 0.7


class Guard:
    """Stands before every call of one dependency.

    Args:
        breaker: the dependency's; several guards may share it.
        turns: so many calls at once (bulkhead).
        timeout_seconds: longest wait for one call, that for its turn included.
        slow_seconds: a call that takes longer is slow; None for what the breaker thinks slow.
    """

    def __init__(
        self,
        breaker: CircuitBreaker,
        *,
        turns: Turns,
        timeout_seconds: float,
        slow_seconds: float | None = None,
    ) -> None:
        self.breaker = breaker
        self._turns = turns
        self._timeout_seconds = timeout_seconds
        self._slow_seconds = slow_seconds

    @asynccontextmanager
    async def call(self) -> AsyncIterator[float]:
        """Let the block make one call, and give the seconds that it may take: what the wait for its turn has left.

        Raises:
            DependencyError: SVC306 left alone, SVC307 too late, SVC308 no room.
        """
        if is_given_up(self.breaker.name) or self.breaker.retry_after_seconds:
            raise self._left_alone()
        seconds = within(self._timeout_seconds)
        began = time.monotonic()
        limit = asyncio.timeout(seconds)
        left_seconds: float | None = None
        try:
            async with limit, self._turns.one():
                turn_began = time.monotonic()
                left_seconds = max(0.0, seconds - (turn_began - began))
                permit = self.breaker.acquire(self._slow_seconds)
                if permit is None:
                    raise self._left_alone()
                outcome = Outcome.IGNORED
                try:
                    yield left_seconds
                    outcome = Outcome.SUCCESS
                except BaseException as error:
                    if limit.expired() or is_fault_of_dependency(error):
                        outcome = self._blame(time.monotonic() - turn_began, left_seconds=left_seconds)
                    raise
                finally:
                    self.breaker.release(permit, outcome)
        except TooManyWaitError as error:
            raise no_room(self.breaker.name, seconds=seconds) from error
        except TimeoutError as error:
            if not limit.expired():
                raise
            give_up(self.breaker.name)
            if left_seconds is None:
                raise no_room(self.breaker.name, seconds=seconds) from error
            raise too_late(self.breaker.name, seconds=left_seconds) from error

    def _blame(self, took_seconds: float, *, left_seconds: float) -> Outcome:
        was_short = left_seconds < _FAIR_SHARE * self._timeout_seconds
        was_late = took_seconds >= _LATE_SHARE * left_seconds
        return Outcome.IGNORED if was_short and was_late else Outcome.FAILURE

    def _left_alone(self) -> DependencyError:
        return left_alone(self.breaker.name, retry_after_seconds=self.breaker.retry_after_seconds)
