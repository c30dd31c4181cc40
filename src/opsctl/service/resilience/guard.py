"""How is one dependency asked: a turn, a permit, a time limit, and what came of it told to the breaker.

The order is that of the time that each costs: a deadline that has passed, a full bulkhead and an open breaker say no at
once. Retries stand outside, so that every attempt is seen by the breaker.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opsctl.service.resilience.breaker import CircuitBreaker, Outcome
from opsctl.service.resilience.deadline import within
from opsctl.service.resilience.failures import is_fault_of_dependency, left_alone, no_room, too_late
from opsctl.service.resilience.given_up import give_up, is_given_up
from opsctl.service.turns import TooManyWaitError, Turns

# A call that had less than this part of its usual time says nothing of whom it asked.
_FAIR_SHARE = 0.5


class Guard:
    """Stands before every call of one dependency.

    Args:
        breaker: the dependency's; several guards may share it.
        turns: so many calls at once (bulkhead).
        timeout_seconds: longest wait for one call, that for its turn included.
    """

    def __init__(self, breaker: CircuitBreaker, *, turns: Turns, timeout_seconds: float) -> None:
        self.breaker = breaker
        self._turns = turns
        self._timeout_seconds = timeout_seconds

    @asynccontextmanager
    async def call(self) -> AsyncIterator[float]:
        """Let the block make one call, and give the seconds that it may take.

        Raises:
            DependencyError: SVC306 left alone, SVC307 too late, SVC308 no room.
        """
        if is_given_up(self.breaker.name):
            raise left_alone(self.breaker.name, retry_after_seconds=self.breaker.retry_after_seconds)
        seconds = within(self._timeout_seconds)
        limit = asyncio.timeout(seconds)
        has_turn = False
        try:
            async with limit, self._turns.one():
                has_turn = True
                permit = self.breaker.acquire()
                if permit is None:
                    raise left_alone(self.breaker.name, retry_after_seconds=self.breaker.retry_after_seconds)
                outcome = Outcome.IGNORED
                try:
                    yield seconds
                    outcome = Outcome.SUCCESS
                except BaseException as error:
                    outcome = self._outcome(error, limit=limit, seconds=seconds)
                    raise
                finally:
                    self.breaker.release(permit, outcome)
        except TooManyWaitError as error:
            raise no_room(self.breaker.name, seconds=seconds) from error
        except TimeoutError as error:
            if not limit.expired():
                raise
            give_up(self.breaker.name)
            refusal = too_late if has_turn else no_room
            raise refusal(self.breaker.name, seconds=seconds) from error

    def _outcome(self, error: BaseException, *, limit: asyncio.Timeout, seconds: float) -> Outcome:
        if limit.expired():
            was_fair = seconds >= _FAIR_SHARE * self._timeout_seconds
            return Outcome.FAILURE if was_fair else Outcome.IGNORED
        return Outcome.FAILURE if is_fault_of_dependency(error) else Outcome.IGNORED
