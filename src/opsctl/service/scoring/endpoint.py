"""How is a language model asked: any endpoint that speaks OpenAI's `POST /chat/completions`, one call for many items."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import orjson
import stamina
import stamina.instrumentation

from opsctl.clients.http_answer import Answer, BadAnswerError, TooLargeError
from opsctl.clients.http_posts import posts_to
from opsctl.core.units import parse_duration
from opsctl.metrics import service as metrics
from opsctl.service.book import Model
from opsctl.service.resilience.retry_budget import RetryBudget
from opsctl.service.scoring.parse import InvalidAnswerError, ParsedScores, parse_scores
from opsctl.service.scoring.ports import ScoredItem
from opsctl.service.scoring.prompt import chat_messages
from opsctl.service.telemetry.meters import Meters

logger = logging.getLogger(__name__)

_ATTEMPTS = 3
_FIRST_PAUSE_SECONDS = 0.02
_LONGEST_PAUSE_SECONDS = 0.2
_LARGEST_BODY_BYTES = 1024 * 1024
_MOST_TOKENS = 10**9
# Nothing was charged for these, or the endpoint asks to come again.
_PASSING_STATUSES = frozenset({429, 503})


class CallFailedError(Exception):
    """The endpoint gave no answer; `passing` where another try may help, after a pause if it asked for one."""

    def __init__(self, why: str, *, passing: bool = False, pause_seconds: float | None = None) -> None:
        super().__init__(why)
        self.passing = passing
        self.pause_seconds = pause_seconds
        self.is_refused = False  # another try, by the budget


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


class ModelEndpoint:
    """Asks one endpoint; tokens are those that it counts itself, their price is the book's.

    Args:
        model: the book's choices.
        api_key: sent as a bearer token where given.
        meters: calls, durations, tokens and dollars go here; every attempt counts as a call.
        budget: of retries; None repeats whatever may be repeated.
        clock: seconds, for durations.
    """

    def __init__(
        self,
        model: Model,
        *,
        api_key: str | None,
        meters: Meters,
        budget: RetryBudget | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        # The library would count retries in a registry of its own and print lines that belong to no request.
        stamina.instrumentation.set_on_retry_hooks([])
        self._model = model
        self._meters = meters
        self._budget = budget
        self._clock = clock
        self._timeout_seconds = parse_duration(model.timeout)
        self._trouble: str | None = None
        self._meters.set(metrics.DEPENDENCY_UP, "model", to=1.0)  # until a call says otherwise
        self.is_simulated = model.provider == "simulated"
        self._http = posts_to(
            model.url or "",
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            max_connections=model.concurrent_calls,
            largest_body_bytes=_LARGEST_BODY_BYTES,
        )

    async def ask(self, items: Sequence[ScoredItem]) -> ParsedScores:
        """Return what the model says of the items, by their number from 1; the caller sets the time limit.

        Raises:
            CallFailedError: no answer, also after what attempts there was time for.
            InvalidAnswerError: an answer of which nothing can be used.
        """
        body = orjson.dumps(
            {
                "model": self._model.name,
                "messages": chat_messages(items),
                "temperature": 0,
                "response_format": {"type": "json_object"},
            }
        )
        number = 1
        try:
            async for attempt in stamina.retry_context(
                on=self._pause_before_retry,
                attempts=_ATTEMPTS,
                timeout=self._timeout_seconds,
                wait_initial=_FIRST_PAUSE_SECONDS,
                wait_max=_LONGEST_PAUSE_SECONDS,
                wait_jitter=_FIRST_PAUSE_SECONDS,
            ):
                number = attempt.num
                if number > 1:
                    self._meters.count(metrics.RETRIES, "model", "retried")
                with attempt:
                    parsed = await self._attempt(body, count=len(items))
                    self._note(None)
                    return parsed
        except (CallFailedError, InvalidAnswerError) as error:
            if isinstance(error, CallFailedError) and error.is_refused and number < _ATTEMPTS:
                self._meters.count(metrics.RETRIES, "model", "refused")
            self._note(str(error))
            raise
        raise AssertionError("the loop above returns or raises")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()

    async def _attempt(self, body: bytes, *, count: int) -> ParsedScores:
        began, outcome = self._clock(), "error"
        try:
            content = self._content(await self._post(body))
            parsed = parse_scores(content, count=count)
            outcome = "ok"
        except InvalidAnswerError:
            outcome = "invalid"
            raise
        except CallFailedError as error:
            if error.passing and self._budget is not None:
                self._budget.failed()
            raise
        else:
            if self._budget is not None:
                self._budget.succeeded()
            return parsed
        finally:
            self._meters.count(metrics.MODEL_CALLS, outcome)
            self._meters.set(metrics.DEPENDENCY_UP, "model", to=1.0 if outcome == "ok" else 0.0)
            self._meters.observe(metrics.MODEL_SECONDS, value=self._clock() - began)

    async def _post(self, body: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                answer = await self._http.post("/chat/completions", body)
        except TooLargeError as error:
            raise InvalidAnswerError(str(error)) from error
        except TimeoutError as error:
            raise CallFailedError(f"no answer within {self._model.timeout}") from error
        except (OSError, BadAnswerError) as error:
            # Nobody there, or gone before an answer.
            raise CallFailedError(f"{type(error).__name__}: {error}", passing=True) from error
        if not 200 <= answer.status < 300:
            raise _failure(answer)
        if answer.headers.get(b"x-simulated") == b"true":
            # A stand-in says so itself; nobody shall read its scores as those of a model.
            self.is_simulated = True
        return answer.body

    def _content(self, body: bytes) -> str:
        """Return the text of the answer, after counting what it cost; unusable answers cost as well."""
        try:
            completion = msgspec.json.decode(body, type=_Completion)
            content = completion.choices[0].message.content
        except (msgspec.MsgspecError, UnicodeDecodeError, IndexError, RecursionError) as error:
            raise InvalidAnswerError(f"it is no chat completion: {error}") from error
        if completion.usage is not None:
            self._charge(completion.usage)
        return content

    def _charge(self, usage: _Usage) -> None:
        tokens_in = min(_MOST_TOKENS, max(0, usage.prompt_tokens))
        tokens_out = min(_MOST_TOKENS, max(0, usage.completion_tokens))
        self._meters.count(metrics.MODEL_TOKENS, "input", by=tokens_in)
        self._meters.count(metrics.MODEL_TOKENS, "output", by=tokens_out)
        dollars = (
            tokens_in * self._model.input_dollars_per_million
            + tokens_out * self._model.output_dollars_per_million
        ) / 1e6
        self._meters.count(metrics.MODEL_COST, by=dollars)

    def _pause_before_retry(self, error: Exception) -> bool | float:
        """Tell stamina whether and when to try again; a pause that outlasts the time limit is no use.

        Stamina asks after the last attempt as well, so that nothing is counted here.
        """
        if not isinstance(error, CallFailedError) or not error.passing:
            return False
        if error.pause_seconds is not None and error.pause_seconds >= self._timeout_seconds:
            return False
        may_retry = self._budget is None or self._budget.may_retry
        error.is_refused = not may_retry
        return may_retry and (True if error.pause_seconds is None else error.pause_seconds)

    def _note(self, trouble: str | None) -> None:
        """Log when the endpoint begins to fail for a reason, and when it answers again; not each call."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            logger.info("the scoring model answers again")
        else:
            logger.warning("the scoring model gives no usable answer: %.300s", trouble)


def _failure(answer: Answer) -> CallFailedError:
    pause: float | None = None
    with suppress(ValueError):  # a date instead of seconds: then our own pause holds
        pause = max(0.0, float(answer.headers.get(b"retry-after", b"")))
    passing = answer.status in _PASSING_STATUSES
    return CallFailedError(f"status {answer.status}", passing=passing, pause_seconds=pause)
