"""Which feed does a request get: the whole work where that can be had in time, else a simpler one, and never none."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from opsctl.core.errors import NotReadyError, OpsError
from opsctl.metrics import service as metrics
from opsctl.service.api.ports import Feeds, UnknownChoiceError
from opsctl.service.feed.simple_feed import NothingSimpleError, SimpleFeeds
from opsctl.service.feed.tell import tell_lower_tier
from opsctl.service.feed.trending import TrendingBoard
from opsctl.service.feed.trending_feed import TrendingFeeds
from opsctl.service.model import Feed, FeedRequest, Tier
from opsctl.service.resilience.admission import Admission
from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import Outcome
from opsctl.service.resilience.deadline import deadline_within, ending_within
from opsctl.service.resilience.failures import dependency_of
from opsctl.service.resilience.given_up import give_up, remembering_what_is_late
from opsctl.service.resilience.limiter import Priority
from opsctl.service.telemetry.meters import Meters
from opsctl.service.turns import TooManyWaitError
from opsctl.store.popularity import PopularItem

_log = logging.getLogger(__name__)

OVERLOAD, DEADLINE, EMPTY, DEFECT, EXERCISE = "overload", "deadline", "empty", "defect", "exercise"

# Of the time of a request: what is kept back for the lower tiers, and for sending the answer.
_FALLBACK_SHARE = 0.35
_SENDING_SHARE = 0.05
_MOST_STACKS_A_MINUTE = 6


class EmptyFeedError(Exception):
    """A tier found nothing, although something is popular."""


class TierRestsError(Exception):
    """A tier failed so often that it is left alone for a while; `reason` is why it did."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The tiers below the highest, and what decides which one answers.

    Args:
        is_on: False lets the highest tier's error through.
        exercise_share: part of the feeds that a lower tier makes although nothing is wrong.
        breakers: of the tiers that can fail; a tier whose dependencies fail is not to blame, they have their own.
    """

    board: TrendingBoard
    simple: SimpleFeeds
    trending: TrendingFeeds
    breakers: dict[Tier, CircuitBreaker]
    is_on: bool = True
    exercise_share: float = 0.0


class TieredFeeds:
    """Feeds by the best tier that can make one in time (`api.ports.Feeds`).

    Each request has one deadline; a part of it is kept back for the tiers below, so that a failure of the highest one
    still leaves time for an answer. What failed once in a request is not asked again for it.

    Args:
        whole: makes the feeds of the highest tier.
        ladder: the others.
        admission: to the tiers that ask others; who finds no room there gets what is popular, and batch work a no.
        request_seconds: longest time for an answer.
        chance: from 0 up to 1, for the exercise of the lower tiers.
    """

    def __init__(
        self,
        whole: Feeds,
        *,
        ladder: Ladder,
        admission: Admission,
        request_seconds: float,
        meters: Meters,
        chance: Callable[[], float],
    ) -> None:
        self._whole = whole
        self._ladder = ladder
        self._admission = admission
        self._request_seconds = request_seconds
        self._meters = meters
        self._chance = chance
        self._reasons: dict[Tier, str] = {}
        self._stacks: list[float] = []

    async def trending(
        self, *, region: str | None, category: str | None, limit: int
    ) -> Sequence[PopularItem]:
        """Return what is popular now; that takes no turn and asks nobody."""
        return await self._whole.trending(region=region, category=category, limit=limit)

    async def build(self, request: FeedRequest) -> Feed:
        """Return a feed.

        Raises:
            UnknownChoiceError: region or category are in nobody's catalogue.
            NotReadyError: SVC305, it is batch work and there is no room.
            OpsError: nothing is known at all, or there is no ladder.
        """
        began = time.perf_counter()
        try:
            with deadline_within(self._request_seconds * (1 - _SENDING_SHARE)), remembering_what_is_late():
                await self._ladder.board.check_choice(region=request.region, category=request.category)
                if not self._ladder.is_on:
                    return await self._highest(request, reserve_seconds=0.0)
                return await self._best(request)
        except TooManyWaitError as error:
            raise _no_room() from error
        finally:
            self._meters.set(metrics.ADMISSION_LIMIT, to=self._admission.limit.limit)
            self._meters.set(metrics.ADMISSION_WAITING, to=self._admission.waiting)
            # Also of one that was called off because its request had no more time.
            self._meters.observe(metrics.FEED_GENERATION_SECONDS, value=time.perf_counter() - began)

    async def _best(self, request: FeedRequest) -> Feed:
        exercised = self._exercised()
        if exercised is not None:
            return await self._lower(request, reason=EXERCISE, lowest=exercised)
        try:
            return await self._highest(request, reserve_seconds=self._request_seconds * _FALLBACK_SHARE)
        except UnknownChoiceError:
            raise
        except Exception as error:
            if request.is_batch and isinstance(error, TooManyWaitError):
                raise
            reason = self._reason_of(error, Tier.MULTI_AGENT)
            lowest = Tier.TRENDING if reason == OVERLOAD else Tier.SIMPLE
            give_up(dependency_of(error))
            return await self._lower(request, reason=reason, lowest=lowest, error=error)

    async def _highest(self, request: FeedRequest, *, reserve_seconds: float) -> Feed:
        with self._on(Tier.MULTI_AGENT) as attempt:
            async with self._admission.one(_priority_of(request)) as stay:
                began = time.perf_counter()
                try:
                    async with ending_within(self._request_seconds, reserve_seconds=reserve_seconds):
                        feed = await self._whole.build(request)
                except TimeoutError:
                    stay.was_dropped = True
                    raise
                stay.seconds = time.perf_counter() - began
            self._refuse_empty(feed, request)
            attempt.outcome = Outcome.SUCCESS
        return feed

    async def _lower(
        self, request: FeedRequest, *, reason: str, lowest: Tier, error: Exception | None = None
    ) -> Feed:
        """Return the feed of the middle tier, or of the lowest one; what went wrong above where even that has nothing.

        A deadline that was missed may mean that there is too much to do; then nobody waits a second time.
        """
        feed = None
        if lowest is Tier.SIMPLE:
            try:
                feed = await self._middle(request, may_wait=reason != DEADLINE)
            except TooManyWaitError:
                if request.is_batch:
                    raise
            except Exception as failure:  # noqa: BLE001 - whatever it is, there is one more tier
                self._reason_of(failure, Tier.SIMPLE)
        if feed is None:
            feed = self._ladder.trending.build(request)
        if not feed.items and error is not None and not isinstance(error, EmptyFeedError):
            raise error
        feed = replace(feed, reason=reason)
        tell_lower_tier(feed, meters=self._meters)
        return feed

    async def _middle(self, request: FeedRequest, *, may_wait: bool) -> Feed:
        with self._on(Tier.SIMPLE) as attempt:
            # Its stay tells nothing: the limit is learnt from how long whole feeds take.
            async with (
                self._admission.one(_priority_of(request), may_wait=may_wait),
                ending_within(self._request_seconds),
            ):
                feed = await self._ladder.simple.build(request)
            self._refuse_empty(feed, request)
            attempt.outcome = Outcome.SUCCESS
        return feed

    def _on(self, tier: Tier) -> "_Attempt":
        return _Attempt(self._ladder.breakers[tier], reason=self._reasons.get(tier, DEADLINE))

    def _refuse_empty(self, feed: Feed, request: FeedRequest) -> None:
        """Take an empty feed for a failure, unless nothing is popular there either: then nothing fits."""
        if not feed.items and self._ladder.board.top(
            region=request.region, category=request.category, limit=1
        ):
            self._meters.count(metrics.EMPTY_FEEDS)
            raise EmptyFeedError

    def _exercised(self) -> Tier | None:
        chance = self._chance()
        if chance >= self._ladder.exercise_share or self._ladder.board.is_empty:
            return None
        return Tier.SIMPLE if chance < self._ladder.exercise_share / 2 else Tier.TRENDING

    def _reason_of(self, error: Exception, tier: Tier) -> str:
        match error:
            case TierRestsError():
                return error.reason
            case TooManyWaitError():
                return OVERLOAD
            case TimeoutError():
                reason = DEADLINE
            case EmptyFeedError() | NothingSimpleError():
                reason = EMPTY
            case OpsError():
                reason = dependency_of(error) or DEFECT
            case _:
                reason = DEFECT
                self._log_stack(error)
        self._reasons[tier] = reason
        return reason

    def _log_stack(self, error: Exception) -> None:
        """Log a defect, but not each of thousands."""
        now = time.monotonic()
        self._stacks = [at for at in self._stacks if now - at < 60]
        if len(self._stacks) < _MOST_STACKS_A_MINUTE:
            self._stacks.append(now)
            _log.error("a tier failed by a defect; a lower one answers", exc_info=error)


class _Attempt:
    """One attempt of a tier, told to its breaker: what its dependencies did is theirs, and a request too many nobody's."""

    def __init__(self, breaker: CircuitBreaker, *, reason: str) -> None:
        self._breaker = breaker
        self._reason = reason
        self.outcome = Outcome.IGNORED

    def __enter__(self) -> Self:
        permit = self._breaker.acquire()
        if permit is None:
            raise TierRestsError(self._reason)
        self._permit = permit
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and _is_fault_of_tier(error):
            self.outcome = Outcome.FAILURE
        self._breaker.release(self._permit, self.outcome)


def _priority_of(request: FeedRequest) -> Priority:
    return Priority.BATCH if request.is_batch else Priority.LIVE


def _is_fault_of_tier(error: BaseException) -> bool:
    if isinstance(error, UnknownChoiceError | TooManyWaitError | OpsError | NothingSimpleError):
        return False
    return isinstance(error, Exception)


def _no_room() -> NotReadyError:
    return NotReadyError(
        "more feeds are asked for than can be made",
        code="SVC305",
        why="there was no turn for this one in time",
        fix="ask again in a second; `workers` in ops/service.yaml makes more a second",
    )
