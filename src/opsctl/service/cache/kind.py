"""How is a value of one kind got: from the cache while it is good, from its source once for all who ask, never wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from opsctl.metrics import service as metrics
from opsctl.service.cache.pause import Pause
from opsctl.service.cache.shelf import Shelf
from opsctl.service.cache.single_flight import wait_for
from opsctl.service.cache.sorting import Sorted, sort_found
from opsctl.service.resilience.deadline import without_deadline
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.trace import current_trace

Value = TypeVar("Value")
LoadMany = Callable[[Sequence[str]], Awaitable[Mapping[str, Value]]]


@dataclass(frozen=True, slots=True, eq=False)
class _Flight(Generic[Value]):
    """A fetch under way, and the number of the newest invalidation when it began."""

    loaded: asyncio.Future[Mapping[str, Value]]
    since: int


class KindCache(Generic[Value]):
    """All entries of one kind, in L1 or in L2; `l1_kind` and `l2_kind` make one.

    A fresh entry is served; a stale one too, while one task fetches it anew; one that is older only when fetching
    fails. What is missing is fetched once for all tasks that ask for it. "There is no such thing" is remembered for
    a short time. A cache that fails counts as an error and costs a fetch, never an answer.

    Keys come from `opsctl.service.cache.keys`.
    """

    def __init__(self, kind: str, shelf: Shelf[Value], *, is_enabled: bool, meters: Meters) -> None:
        self.kind = kind
        self._shelf = shelf
        self._is_enabled = is_enabled
        self._meters = meters
        self._flights: dict[str, _Flight[Value]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._after_failure = Pause()

    async def get(self, key: str, load: Callable[[], Awaitable[Value | None]]) -> Value | None:
        """Return the value of a key; `load` fetches it where it must be, and None says that there is none."""

        async def load_many(_: Sequence[str]) -> Mapping[str, Value]:
            value = await load()
            return {} if value is None else {key: value}

        return (await self.get_many((key,), load_many)).get(key)

    async def get_many(
        self, keys: Sequence[str], load_many: LoadMany[Value], *, leave_out_failed: bool = False
    ) -> dict[str, Value]:
        """Return the values by key; `load_many` fetches what is missing, and what it leaves out does not exist.

        An error of `load_many` is raised unless an old entry stands in for every key that it was to fetch; with
        `leave_out_failed` it never is, and the keys without an old entry are left out.
        """
        asked = tuple(dict.fromkeys(keys))
        self._check(asked)
        if not asked:
            return {}
        if not self._is_enabled:
            self._tell({"miss": len(asked)})
            loaded = await self._load_uncached(asked, load_many, leave_out_failed=leave_out_failed)
            return {key: loaded[key] for key in asked if key in loaded}
        found = await self._shelf.find(asked)
        split = sort_found(asked, found, now=self._shelf.now())
        try:
            if split.refresh:
                self._refresh(split.refresh, load_many)
            if split.missing:
                await self._fill(split, load_many, leave_out_failed=leave_out_failed)
        finally:
            self._tell(split.outcomes)
        return split.good

    async def drop(self, keys: Sequence[str]) -> int:
        """Remove entries of this shelf; other workers' L1 hear of it through the journal, not through this.

        Raises:
            StoreError: the store is not there, and the entries may still be.
        """
        self._check(keys)
        dropped = await self._shelf.drop(keys)
        self._meters.count(metrics.CACHE_INVALIDATIONS, self._shelf.tier, self.kind, by=dropped)
        return dropped

    async def close(self) -> None:
        """Call off fetches that still run and wait until they have ended."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _load_uncached(
        self, keys: Sequence[str], load_many: LoadMany[Value], *, leave_out_failed: bool
    ) -> Mapping[str, Value]:
        try:
            return await load_many(keys)
        except Exception:
            if not leave_out_failed:
                raise
            return {}

    async def _fill(
        self, split: Sorted[Value], load_many: LoadMany[Value], *, leave_out_failed: bool
    ) -> None:
        """Wait for what is missing; each key comes from the task that fetches it, be it this caller's or another's."""
        new = [key for key in split.missing if not self._is_flying(key)]
        if new:
            self._start(self._fetch(new, load_many, self._take_off(new)))
        waiting = {key: self._flights[key] for key in split.missing}
        for key, flight in waiting.items():
            try:
                loaded = await wait_for(flight.loaded)
            except Exception:
                if key not in split.spare:
                    if leave_out_failed:
                        continue
                    raise
                split.good[key] = split.spare[key]
                split.count("miss", -1)
                split.count("stale")
            else:
                if key in loaded:
                    split.good[key] = loaded[key]

    def _refresh(self, keys: Sequence[str], load_many: LoadMany[Value]) -> None:
        """Fetch stale entries anew in the background, each key once at a time."""
        new = [key for key in keys if not self._is_flying(key)]
        if new and not self._after_failure.is_on(self._shelf.now()):
            # An empty context: the trace of the request that happened to see the stale entry is not this task's.
            self._start(self._fetch(new, load_many, self._take_off(new)), context=Context())

    def _is_flying(self, key: str) -> bool:
        """Tell whether a fetch may be joined: one that began before the key was invalidated may bring the old value."""
        flight = self._flights.get(key)
        return flight is not None and not self._shelf.is_outdated(key, since=flight.since)

    def _take_off(self, keys: Sequence[str]) -> _Flight[Value]:
        flight: _Flight[Value] = _Flight(asyncio.get_running_loop().create_future(), self._shelf.mark())
        self._flights.update(dict.fromkeys(keys, flight))
        return flight

    def _start(self, fetch: Coroutine[Any, Any, None], context: Context | None = None) -> None:
        # Others may come to wait for it, so the deadline of whoever began it is not its own.
        with without_deadline():
            task = asyncio.create_task(fetch, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch(self, keys: Sequence[str], load_many: LoadMany[Value], flight: _Flight[Value]) -> None:
        """Load, give the values to all who wait, then keep them; until that is done nobody loads them again."""
        try:
            loaded = await load_many(keys)
            flight.loaded.set_result(loaded)
            is_kept = await self._shelf.keep({key: loaded.get(key) for key in keys}, since=flight.since)
            if not is_kept:
                self._meters.count(metrics.CACHE_LOOKUPS, self._shelf.tier, self.kind, "error")
        except Exception as error:
            if flight.loaded.done():
                raise
            self._after_failure.begin(self._shelf.now())
            flight.loaded.set_exception(error)
            flight.loaded.exception()  # of a refresh nobody waits for it
        finally:
            flight.loaded.cancel()  # does nothing unless this task was called off
            for key in keys:
                # A later flight has taken its place where the key was invalidated meanwhile.
                if self._flights.get(key) is flight:
                    del self._flights[key]

    def _check(self, keys: Sequence[str]) -> None:
        for key in keys:
            if not key.startswith(f"{self.kind}:"):
                raise ValueError(f"`{key}` is no key of kind {self.kind}; make it with `cache.keys`")

    def _tell(self, outcomes: Mapping[str, int]) -> None:
        trace = current_trace()
        for outcome, count in outcomes.items():
            if count:
                self._meters.count(metrics.CACHE_LOOKUPS, self._shelf.tier, self.kind, outcome, by=count)
                trace.looked_up(tier=self._shelf.tier, kind=self.kind, outcome=outcome, count=count)
