"""What stands before the vector database and the shared cache: once more where that helps, and nothing that cannot be."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from opsctl.clients.qdrant_async import Hits
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.errors import NotReadyError, OpsError
from opsctl.service.cache.ports import StoreError
from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import BreakerOptions
from opsctl.service.resilience.given_up import remembering_what_is_late
from opsctl.service.resilience.guard import Guard
from opsctl.service.resilience.guarded_database import GuardedDatabase
from opsctl.service.resilience.guarded_store import GuardedStore
from opsctl.service.resilience.guarded_vectors import GuardedVectors
from opsctl.service.resilience.retry_budget import RetryBudget
from opsctl.service.telemetry.meters import Meters
from opsctl.service.turns import Turns

VECTOR = np.ones(4, dtype=np.float32)
GOOD = Hits(ids=(1, 2), scores=(0.9, 0.8), engine_seconds=0.0, client_seconds=0.0)


def breaker(name: str, *, consecutive: int = 10**6) -> CircuitBreaker:
    """Return a breaker that opens late, and then for a minute."""
    options = BreakerOptions(
        slow_seconds=60,
        consecutive_failures=consecutive,
        failure_share=2,
        open_seconds=60,
        open_seconds_most=60,
    )
    return CircuitBreaker(name, options, now=lambda: 0.0, random=lambda: 0.5)


class Searcher:
    """Answers by script: hits, or an error to raise."""

    place = QdrantPlace(url="http://127.0.0.1:6333")

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def search(self, collection: str, **_how: Any) -> Hits:
        """Give the next answer."""
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    async def vectors(self, collection: str, ids: Sequence[int]) -> dict[int, Any]:
        """Give the next answer."""
        self.asked += 1
        return dict(self.answers[0])


def guarded(
    searcher: Searcher, *, budget: RetryBudget | None = None, meters: Meters | None = None
) -> GuardedVectors:
    """Return the searcher behind its guard."""
    guard = Guard(breaker("vectors"), turns=Turns(at_once=4), timeout_seconds=5)
    return GuardedVectors(
        searcher,  # type: ignore[arg-type]
        guard=guard,
        budget=RetryBudget() if budget is None else budget,
        dimension=4,
        meters=meters or Meters(),
    )


def ask(vectors: GuardedVectors) -> Hits:
    """Search once."""
    return asyncio.run(vectors.search("content", vector=VECTOR, limit=2))


def broke() -> NotReadyError:
    """Return the error of a line that broke."""
    return NotReadyError("reset", code="COL001")


def test_a_line_that_broke_is_asked_once_more_and_no_third_time() -> None:
    """A reader does not notice the first break; the second is the answer."""
    once, twice = Searcher(broke(), GOOD), Searcher(broke())
    assert ask(guarded(once)) == GOOD
    with pytest.raises(NotReadyError):
        ask(guarded(twice))
    assert (once.asked, twice.asked) == (2, 2)


@pytest.mark.parametrize("code", ["COL002", "COL004", "COL006"])
def test_what_is_late_busy_or_not_there_is_not_asked_again(code: str) -> None:
    """More of the same would be no help to it."""
    searcher = Searcher(NotReadyError("no", code=code))
    with pytest.raises(OpsError):
        ask(guarded(searcher))
    assert searcher.asked == 1


def test_in_an_outage_retries_end_with_their_budget() -> None:
    """Of a hundred requests a handful is sent twice, and each refusal is counted."""
    searcher, meters = Searcher(broke()), Meters()
    vectors = guarded(searcher, meters=meters)
    for _ in range(100):
        with pytest.raises(NotReadyError):
            ask(vectors)
    refused = meters.registry.get_sample_value(
        "ranking_retries_total", {"dependency": "vectors", "outcome": "refused"}
    )
    assert searcher.asked <= 110
    assert refused == 100 - (searcher.asked - 100)


@pytest.mark.parametrize(
    "hits",
    [
        Hits(ids=(1,), scores=(float("nan"),), engine_seconds=0, client_seconds=0),
        Hits(
            ids=(1,), scores=(1.0,), vectors=np.ones((1, 2), np.float32), engine_seconds=0, client_seconds=0
        ),
        Hits(
            ids=(1,),
            scores=(1.0,),
            vectors=np.full((1, 4), np.inf, np.float32),
            engine_seconds=0,
            client_seconds=0,
        ),
        KeyError("result"),
        ValueError("not JSON"),
    ],
)
def test_an_answer_that_cannot_be_one_is_a_failure_of_who_gave_it(hits: Any) -> None:
    """NaN, half a vector, no JSON: never a feed, and the breaker hears of it."""
    with pytest.raises(OpsError) as refused:
        ask(guarded(Searcher(hits)))
    assert refused.value.code == "COL008"


def test_vectors_of_another_model_are_refused() -> None:
    """Their length tells."""
    with pytest.raises(OpsError, match="not Qdrant's"):
        asyncio.run(guarded(Searcher({1: np.ones(2, np.float32)})).vectors("content", [1]))


class Store:
    """A key-value store that fails, or is slow, as a test says."""

    def __init__(self) -> None:
        self.does: Callable[[], Awaitable[None]] = _nothing
        self.asked = 0
        self.deleted = 0

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return nothing, once the script is over."""
        self.asked += 1
        await self.does()
        return [None for _ in keys]

    async def set_many(self, entries: Mapping[str, bytes], *, keep_seconds: float) -> None:
        """Keep nothing."""
        self.asked += 1

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Delete."""
        self.deleted += 1
        return len(keys)


async def _nothing() -> None:
    """Take no time."""


async def _slow() -> None:
    await asyncio.sleep(60)


async def _broken() -> None:
    raise StoreError("gone")


def test_a_store_that_fails_is_left_alone_and_what_must_go_is_still_deleted() -> None:
    """Lookups cost nothing then, writes neither; an invalidation that was lost would be served later."""

    async def story() -> Store:
        store = Store()
        kept = GuardedStore(store, breaker=breaker("l2", consecutive=3), timeout_seconds=0.05)  # type: ignore[arg-type]
        store.does = _broken
        for _ in range(10):
            with pytest.raises(StoreError):
                await kept.get_many(["a:1"])
        with pytest.raises(StoreError, match="left alone"):
            await kept.set_many({"a:1": b""}, keep_seconds=1)
        assert await kept.delete_many(["a:1"]) == 1
        return store

    store = asyncio.run(story())
    assert (store.asked, store.deleted) == (3, 1)


def test_a_store_that_is_always_late_opens_its_breaker_whoever_calls_it_off() -> None:
    """The caller has the same time limit, and must not be taken for one that went away."""

    async def story() -> int:
        store = Store()
        kept = GuardedStore(store, breaker=breaker("l2", consecutive=3), timeout_seconds=0.05)  # type: ignore[arg-type]
        store.does = _slow
        for _ in range(6):
            with pytest.raises((StoreError, TimeoutError)):
                async with asyncio.timeout(0.05):
                    await kept.get_many(["a:1"])
        return store.asked

    assert asyncio.run(story()) == 3


def test_a_store_that_is_late_while_the_loop_is_held_up_is_late_all_the_same() -> None:
    """Both times are over at once then, and the caller's may be told first."""

    async def story() -> int:
        store = Store()
        kept = GuardedStore(store, breaker=breaker("l2", consecutive=3), timeout_seconds=0.05)  # type: ignore[arg-type]
        store.does = _slow
        for _ in range(6):
            asyncio.get_running_loop().call_later(0.01, time.sleep, 0.1)
            with pytest.raises((StoreError, TimeoutError)):
                async with asyncio.timeout(0.05):
                    await kept.get_many(["a:1"])
        return store.asked

    assert asyncio.run(story()) == 3


def test_a_store_that_was_late_once_is_not_waited_for_again_in_the_same_request() -> None:
    """A feed asks it for several kinds of entries, one after the other."""

    async def story() -> int:
        store = Store()
        kept = GuardedStore(store, breaker=breaker("l2"), timeout_seconds=0.02)  # type: ignore[arg-type]
        store.does = _slow
        with remembering_what_is_late():
            for _ in range(3):
                with pytest.raises(StoreError):
                    await kept.get_many(["a:1"])
        return store.asked

    assert asyncio.run(story()) == 1


class Lending:
    """A database that remembers for how long it lent."""

    def __init__(self) -> None:
        self.deadlines: list[float] = []

    @asynccontextmanager
    async def connection(self, query: str, *, deadline_seconds: float) -> AsyncIterator[None]:
        """Lend nothing, for as long as the caller needs it."""
        self.deadlines.append(deadline_seconds)
        yield None


def test_the_server_gives_up_before_its_caller_also_after_a_wait_for_a_turn() -> None:
    """Else the caller is called off first, and psycopg asks a server which may not answer."""

    async def story() -> list[float]:
        database = Lending()
        guard = Guard(breaker("database"), turns=Turns(at_once=1), timeout_seconds=0.4)
        guarded = GuardedDatabase(database, guard=guard)  # type: ignore[arg-type]

        async def use() -> None:
            async with guarded.connection("read_facts"):
                await asyncio.sleep(0.2)

        await asyncio.gather(use(), use(), return_exceptions=True)
        return database.deadlines

    first, second = asyncio.run(story())
    assert first == pytest.approx(0.3, abs=0.03)
    assert second == pytest.approx(0.15, abs=0.03)
