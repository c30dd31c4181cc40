"""Is this feed in memory, is it still good, and who makes it anew: L1 of whole feeds, as the bytes that are sent."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from opsctl.service.cache.invalidated import InvalidatedMemory, is_outdated
from opsctl.service.cache.memory import Entry
from opsctl.service.cache.policy import Lifetime
from opsctl.service.cache.single_flight import SingleFlight
from opsctl.service.edge.answers import Answer, cache_headers, is_made_by_lower_tier, storable
from opsctl.service.edge.asgi import Application, Scope
from opsctl.service.edge.caught import Caught
from opsctl.service.edge.headers import traceparent_of
from opsctl.service.edge.origin import catch
from opsctl.service.edge.pace import Pace
from opsctl.service.telemetry.trace import Trace, tracing

_logger = logging.getLogger(__name__)

# For so long after a failure an old answer is given at once, instead of making each request wait for the next one.
_PAUSE_SECONDS = 1.0
_MOST_PAUSES = 4096

# Old feeds are made anew this many at once: when thousands grow old in the same minute, making all of them anew at once
# would leave no time for those that have none, nor for answering from memory.
_MOST_REFRESHES = 8
# With as many feeds under way, an old one is given rather than one more begun for it.
_BUSY_FLIGHTS = 2 * _MOST_REFRESHES
_BURST = _MOST_REFRESHES


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What the API answered.

    Args:
        answer: None where that is not to be kept.
        since: the journal's number when the making began.
        is_stand_in: a lower tier made it because something is wrong; an older feed of the highest tier is better.
    """

    caught: Caught
    answer: Answer | None
    trace: Trace
    since: int
    is_stand_in: bool = False


class FeedCache:
    """Feeds in memory, and the flights that make them.

    One flight for each key: it is a task of its own, so it goes on when the client that set it off leaves. An answer
    made from something that was invalidated meanwhile is given to those who waited for it before, and not kept.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        application: Application,
        memory: InvalidatedMemory,
        *,
        lifetime: Lifetime,
        stand_in_seconds: float,
        has_shared_caches: bool,
        refreshes_per_second: float,
        request_seconds: float,
        now: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._application = application
        self.memory = memory
        self._lifetime = lifetime
        self._fresh_seconds = lifetime.fresh_seconds
        self._stale_seconds = lifetime.stale_seconds
        self._error_seconds = lifetime.error_seconds
        self._stand_in_seconds = stand_in_seconds
        self._has_shared_caches = has_shared_caches
        self._request_seconds = request_seconds
        self._now = now
        self._random = random
        self._flights = SingleFlight()
        self._paused_until: dict[str, float] = {}
        self._refreshes = 0
        self._pace = Pace(per_second=refreshes_per_second, burst=_BURST, now=now)

    def is_stale(self, entry: Entry) -> bool:
        """Tell whether an entry past its time may still be given while it is made anew."""
        return not entry.value.is_stand_in and self._now() < entry.fresh_until + self._stale_seconds

    def stands_in(self, entry: Entry) -> bool:
        """Tell whether an entry may be given in place of an error, or of a feed of a lower tier."""
        return not entry.value.is_stand_in and self._now() < entry.fresh_until + self._error_seconds

    def may_replace(self) -> bool:
        """Tell whether there is room to make a feed whose reader could have an old one, and take that room."""
        return len(self._flights) < _BUSY_FLIGHTS and self._pace.take()

    def is_paused(self, key: str) -> bool:
        """Tell whether making this feed failed a moment ago."""
        return self._now() < self._paused_until.get(key, 0.0)

    def is_being_made(self, key: str) -> bool:
        """Tell whether a flight for this feed is under way."""
        return self._flights.is_flying(key)

    async def make(self, key: str, *, scope: Scope, request_id: str, flight: str = "") -> Made:
        """Have the API make the feed, or wait for a flight that does so already; `flight` is its name, if not the key.

        Raises:
            TimeoutError: it takes too long.
            FlightEndedError: it was called off.
            Exception: whatever the API failed with.
        """
        return await self._flights.run(
            flight or key, lambda: self._make(key, scope=scope, request_id=request_id)
        )

    def is_older_than(self, made: Made, key: str, *, asked: int) -> bool:
        """Tell whether a feed says what was invalidated while it was made, before somebody asked at number `asked`."""
        return made.answer is not None and is_outdated(
            self.memory.journal, key=key, tags=made.answer.tags, since=made.since, until=asked
        )

    def make_soon(self, key: str, *, scope: Scope, request_id: str, tell: Callable[[Made], None]) -> None:
        """Have the feed made anew in the background, unless that is under way or failed a moment ago, or too many are.

        `tell` hears of it once it is made, because no request is answered with it that could say so.
        """

        async def make() -> Made:
            try:
                made = await self._make(key, scope=scope, request_id=request_id)
            finally:
                self._refreshes -= 1
            tell(made)
            return made

        is_wanted = not self._flights.is_flying(key) and not self.is_paused(key)
        if is_wanted and self._refreshes < _MOST_REFRESHES and self._pace.take():
            self._refreshes += 1
            self._flights.start(key, make)

    def when_made(self, key: str, tell: Callable[[Made], None]) -> None:
        """Tell of a feed that is being made once it is there: who set it off does not wait for it any more."""
        self._flights.when_made(key, tell)

    async def close(self) -> None:
        """Call off what is being made."""
        await self._flights.close()

    async def _make(self, key: str, *, scope: Scope, request_id: str) -> Made:
        since = self.memory.sequence
        trace = Trace(request_id=request_id, traceparent=traceparent_of(scope))
        try:
            with tracing(trace):
                async with asyncio.timeout(self._request_seconds):
                    caught = await catch(self._application, scope)
        except TimeoutError:
            self._pause(key)
            raise  # said in the answer and counted; thousands of stack traces would only make it worse
        except Exception:
            self._pause(key)
            with tracing(trace):
                _logger.exception("a feed could not be made")
            raise
        if caught.status >= 500:
            self._pause(key)
        is_stand_in = is_made_by_lower_tier(caught.headers)
        fresh_seconds = self._fresh_seconds * (1 - self._lifetime.jitter * self._random())
        if is_stand_in:
            fresh_seconds = min(fresh_seconds, self._stand_in_seconds)
        is_shared = self._has_shared_caches and not is_stand_in
        kept = cache_headers(self._lifetime, fresh_seconds=fresh_seconds, is_shared=is_shared)
        answer = storable(caught, cache_headers=kept)
        if is_stand_in and self._has_better(key):
            self._pause(key)
        elif answer is not None:
            self._keep(key, answer, fresh_seconds=fresh_seconds, is_stand_in=is_stand_in, since=since)
        return Made(caught=caught, answer=answer, trace=trace, since=since, is_stand_in=is_stand_in)

    def _has_better(self, key: str) -> bool:
        """Tell whether an older feed is kept that may stand in for an error."""
        entry = self.memory.get(key)
        return entry is not None and not entry.value.is_stand_in and self.stands_in(entry)

    def _keep(self, key: str, answer: Answer, *, fresh_seconds: float, is_stand_in: bool, since: int) -> None:
        self._paused_until.pop(key, None)
        stale_seconds = 0.0 if is_stand_in else max(self._stale_seconds, self._error_seconds)
        self.memory.put(
            key,
            answer,
            size_bytes=answer.size_bytes,
            fresh_seconds=fresh_seconds,
            kept_seconds=fresh_seconds + stale_seconds,
            tags=answer.tags,
            since=since,
        )

    def _pause(self, key: str) -> None:
        if len(self._paused_until) >= _MOST_PAUSES:
            self._paused_until.clear()
        self._paused_until[key] = self._now() + _PAUSE_SECONDS
