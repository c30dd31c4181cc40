"""How do items of many requests share one call: a short window, a bounded queue, failures that stay in their batch."""

import asyncio
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from opsctl.core.units import parse_duration
from opsctl.metrics import service as metrics
from opsctl.service.book import Model
from opsctl.service.scoring.endpoint import CallFailedError
from opsctl.service.scoring.parse import InvalidAnswerError, ParsedScores
from opsctl.service.scoring.ports import ScoredItem
from opsctl.service.telemetry.meters import Meters

Ask = Callable[[Sequence[ScoredItem]], Awaitable[ParsedScores]]

# As many items may wait in line as are under way; what comes on top is left out at once.
_ROUNDS_IN_QUEUE = 2


@dataclass(slots=True, kw_only=True, eq=False)
class _Waiting:
    """One item on its way; the future gets its score, or None, and never an exception."""

    item: ScoredItem
    since: float
    score: asyncio.Future[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How batches are made: see `Model` for the meaning of each."""

    window_seconds: float
    batch_items: int
    concurrent_calls: int
    timeout_seconds: float

    @classmethod
    def of(cls, model: Model) -> "BatchOptions":
        """Take them from the book."""
        return cls(
            window_seconds=model.batch_milliseconds / 1000,
            batch_items=model.batch_items,
            concurrent_calls=model.concurrent_calls,
            timeout_seconds=parse_duration(model.timeout),
        )

    @property
    def queue_items(self) -> int:
        """Return how many items may be on their way at once."""
        return self.batch_items * self.concurrent_calls * _ROUNDS_IN_QUEUE


class Batcher:
    """Collects items of concurrent requests into calls; belongs to one event loop.

    - The window opens with the first item and closes after `window_seconds`, or with `batch_items` items.
    - An item in the same state is sent once, however many wait for it, also while its call is under way.
    - Calls beyond `concurrent_calls` wait in order, at most `timeout_seconds`; then they are not made any more.
    - A call, its split included, takes at most `timeout_seconds`.
    - An answer of which nothing can be used is asked for once more in two halves, so that one item that the
      model trips over costs its half only. A call without an answer is not split: it would fail twice.
    - A window of 0 sends each request's items by themselves and shares nothing.
    """

    def __init__(self, ask: Ask, *, options: BatchOptions, meters: Meters) -> None:
        self._ask = ask
        self._options = options
        self._meters = meters
        self._slots = asyncio.Semaphore(options.concurrent_calls)
        self._shared: dict[ScoredItem, _Waiting] = {}
        self._forming: list[_Waiting] = []
        self._timer: asyncio.TimerHandle | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._on_their_way = 0
        self._closed = False

    async def score(self, items: Sequence[ScoredItem]) -> Mapping[int, float]:
        """Return the scores of those items that got one; a caller that is cancelled takes nobody along."""
        waiting = [entry for item in items if (entry := self._enter(item)) is not None]
        if self._options.window_seconds == 0:
            self._send_forming()
        if not waiting:
            return {}
        # Unlike gather, wait leaves the futures alone when this task is cancelled.
        await asyncio.wait([entry.score for entry in waiting])
        found = ((entry.item.content_id, entry.score.result()) for entry in waiting)
        return {content_id: score for content_id, score in found if score is not None}

    async def close(self) -> None:
        """Take nothing more, send what is collected, and wait for what is under way."""
        self._closed = True
        self._send_forming()
        while self._calls:
            await asyncio.wait(self._calls)

    def _enter(self, item: ScoredItem) -> _Waiting | None:
        """Return where to wait for an item; None where it is left out."""
        if (shared := self._shared.get(item)) is not None:
            return shared
        if self._closed or self._on_their_way >= self._options.queue_items:
            self._meters.count(metrics.MODEL_ITEMS, "dropped")
            return None
        loop = asyncio.get_running_loop()
        entry = _Waiting(item=item, since=loop.time(), score=loop.create_future())
        self._on_their_way += 1
        self._forming.append(entry)
        if self._options.window_seconds > 0:
            self._shared[item] = entry
            if self._timer is None:
                self._timer = loop.call_later(self._options.window_seconds, self._send_forming)
        if len(self._forming) >= self._options.batch_items:
            self._send_forming()
        return entry

    def _send_forming(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._forming:
            return
        batch, self._forming = self._forming, []
        task = asyncio.get_running_loop().create_task(self._send(batch))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        try:
            if await self._has_slot():
                try:
                    await self._ask_in_time(batch)
                finally:
                    self._slots.release()
            else:
                self._settle(batch, "dropped")
        finally:
            # Whatever happened, nobody waits for ever.
            self._settle(batch, "error")

    async def _has_slot(self) -> bool:
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                return await self._slots.acquire()
        except TimeoutError:
            return False

    async def _ask_in_time(self, batch: Sequence[_Waiting]) -> None:
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                await self._ask_or_split(batch)
        except TimeoutError:
            self._settle(batch, "error")

    async def _ask_or_split(self, batch: Sequence[_Waiting]) -> None:
        now = asyncio.get_running_loop().time()
        self._tell_waits([now - entry.since for entry in batch])
        if await self._ask_once(batch):
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]) if middle else ():
            # One after the other: the batch holds one slot.
            if not await self._ask_once(half):
                self._settle(half, "invalid")
        self._settle(batch, "invalid")

    async def _ask_once(self, batch: Sequence[_Waiting]) -> bool:
        """Ask for a batch and hand out what came; False where the answer cannot be used at all."""
        self._meters.observe(metrics.MODEL_BATCH_ITEMS, value=len(batch))
        try:
            answer = await self._ask([entry.item for entry in batch])
        except InvalidAnswerError:
            return False
        except CallFailedError:
            self._settle(batch, "error")
            return True
        outcomes: Counter[str] = Counter()
        for number, entry in enumerate(batch, start=1):
            outcome = "invalid" if number in answer.invalid else "missing"
            score = answer.scores.get(number)
            outcomes["scored" if score is not None else outcome] += self._end(entry, score)
        self._tell_outcomes(outcomes)
        return True

    def _settle(self, batch: Sequence[_Waiting], outcome: str) -> None:
        """Tell those that still wait that they get no score."""
        self._tell_outcomes({outcome: sum(self._end(entry, None) for entry in batch)})

    def _end(self, entry: _Waiting, score: float | None) -> bool:
        """Give an item that still waits what became of it, and forget it; tell whether it did."""
        if entry.score.done():
            return False
        entry.score.set_result(score)
        self._on_their_way -= 1
        if self._shared.get(entry.item) is entry:
            del self._shared[entry.item]
        return True

    def _tell_outcomes(self, outcomes: Mapping[str, int]) -> None:
        for outcome, count in outcomes.items():
            if count:
                self._meters.count(metrics.MODEL_ITEMS, outcome, by=count)

    def _tell_waits(self, waits: Sequence[float]) -> None:
        bounds = metrics.MODEL_QUEUE_SECONDS.buckets
        counts = [0] * (len(bounds) + 1)
        for seconds in waits:
            counts[bisect_left(bounds, seconds)] += 1
        self._meters.observe_many(metrics.MODEL_QUEUE_SECONDS, counts=counts, total=sum(waits))
