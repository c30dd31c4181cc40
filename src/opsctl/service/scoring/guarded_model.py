"""When is the scoring model asked at all: not while it fails, nor while it talks nonsense, nor before it said to come again."""

import asyncio
from collections.abc import Callable, Sequence

from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import Outcome
from opsctl.service.scoring.endpoint import CallFailedError, ModelEndpoint
from opsctl.service.scoring.parse import InvalidAnswerError, ParsedScores
from opsctl.service.scoring.ports import ScoredItem

# An endpoint may ask for hours; it is tried again after this at the latest.
_LONGEST_PAUSE_SECONDS = 60.0
_SHORTEST_PAUSE_SECONDS = 1.0


class GuardedModel:
    """An endpoint behind two breakers: of calls that fail, and of answers that cannot be used.

    Args:
        calls: the breaker of calls.
        quality: the breaker of answers.
        pause: leaves the model alone for so many seconds, because it asked for that.
    """

    def __init__(
        self,
        endpoint: ModelEndpoint,
        *,
        calls: CircuitBreaker,
        quality: CircuitBreaker,
        pause: Callable[[float], None],
    ) -> None:
        self._endpoint = endpoint
        self._calls = calls
        self._quality = quality
        self._pause = pause

    async def ask(self, items: Sequence[ScoredItem]) -> ParsedScores:
        """Return what the model says of the items.

        Raises:
            CallFailedError: no answer, or nobody asked for one.
            InvalidAnswerError: an answer of which nothing can be used.
        """
        call = self._calls.acquire()
        if call is None:
            raise CallFailedError("it is left alone after failures")
        answer = self._quality.acquire()
        if answer is None:
            self._calls.release(call, Outcome.IGNORED)
            raise CallFailedError("it is left alone after answers that could not be used")
        called, answered = Outcome.IGNORED, Outcome.IGNORED
        try:
            parsed = await self._endpoint.ask(items)
            called = answered = Outcome.SUCCESS
        except InvalidAnswerError:
            called, answered = Outcome.SUCCESS, Outcome.FAILURE
            raise
        except CallFailedError as error:
            called = Outcome.FAILURE
            if error.pause_seconds is not None and error.pause_seconds >= _SHORTEST_PAUSE_SECONDS:
                self._pause(min(_LONGEST_PAUSE_SECONDS, error.pause_seconds))
            raise
        except asyncio.CancelledError:
            called = Outcome.FAILURE  # the batch ran out of time, which is as long as a call may take
            raise
        else:
            return parsed
        finally:
            self._calls.release(call, called)
            self._quality.release(answer, answered)
