"""One kind of entry, in L1 and in L2 alike: lifetimes, one fetch for all, errors, absence."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.key_value_store import DictStore
from tests.service.cache.clocks import Time

from opsctl.service.cache import keys
from opsctl.service.cache.codecs import NumberCodec
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.kind import KindCache
from opsctl.service.cache.kind_tiers import l1_kind, l2_kind
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.cache.policy import Lifetime
from opsctl.service.cache.single_flight import FlightEndedError
from opsctl.service.telemetry.meters import Meters
from opsctl.service.telemetry.trace import Trace, tracing

LIFETIME = Lifetime(
    fresh="100s", stale_while_revalidate="10s", stale_if_error="1000s", negative="5s", jitter=0.0
)


class Scene:
    """A cache with all that it stands on, and a source that counts."""

    def __init__(self, tier: str, folder: Path, *, lifetime: Lifetime = LIFETIME, is_enabled: bool = True):
        self.tier = tier
        self.time = Time()
        self.meters = Meters()
        self.journal = InvalidationJournal(folder / "invalidations")
        self.memory = InvalidatedMemory(
            MemoryTier(bytes_limit=1_000_000, now=self.time, evicted=lambda _: None),
            self.journal,
            meters=self.meters,
        )
        self.store = DictStore(self.time)
        self.source: dict[int, float] = {1: 0.25, 2: 0.5, 3: 0.75}
        self.loads: list[list[int]] = []
        self.failing = False
        self.gate: asyncio.Event | None = None
        self.kind = "thompson" if tier == "l1" else "agent_score"
        self.cache = self._cache(lifetime, is_enabled=is_enabled)

    def key(self, number: int) -> str:
        """Return the key of a number."""
        return keys.thompson(str(number)) if self.tier == "l1" else keys.agent_score(number, scorer="s")

    async def load_many(self, wanted: Sequence[str]) -> Mapping[str, float]:
        """Be the source."""
        numbers = [int(key.rpartition(":")[2]) if self.tier == "l1" else keys.id_of(key) for key in wanted]
        self.loads.append(numbers)
        found = {self.key(each): self.source[each] for each in numbers if each in self.source}
        if self.gate is not None:
            await self.gate.wait()
        if self.failing:
            raise ConnectionError("the source is down")
        return found

    async def ask(self, *numbers: int) -> dict[int, float]:
        """Ask for many."""
        found = await self.cache.get_many([self.key(each) for each in numbers], self.load_many)
        return {each: found[self.key(each)] for each in numbers if self.key(each) in found}

    def outcomes(self) -> dict[str, int]:
        """Return how many lookups had each outcome."""
        families = text_string_to_metric_families(self.meters.render().decode())
        return {
            sample.labels["outcome"]: int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "ranking_cache_lookups_total" and sample.labels["kind"] == self.kind
        }

    def _cache(self, lifetime: Lifetime, *, is_enabled: bool) -> KindCache[float]:
        chance = random.Random(7)
        if self.tier == "l1":
            return l1_kind(
                self.kind,
                memory=self.memory,
                lifetime=lifetime,
                size_of=lambda _: 24,
                meters=self.meters,
                now=self.time,
                chance=chance,
                is_enabled=is_enabled,
            )
        return l2_kind(
            self.kind,
            store=self.store,
            codec=NumberCodec(),
            lifetime=lifetime,
            journal=self.journal,
            timeout_seconds=0.5,
            meters=self.meters,
            now=self.time,
            chance=chance,
            is_enabled=is_enabled,
        )


@pytest.fixture(params=["l1", "l2"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """Give the same scene for both tiers."""
    made = Scene(request.param, tmp_path)
    yield made
    made.journal.close()


def play(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a story in a loop of its own."""
    return asyncio.run(story())


async def settle() -> None:
    """Let background tasks come to rest."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_what_was_loaded_once_is_not_loaded_again_while_it_is_fresh(scene: Scene):
    """And what is asked for twice in one call is loaded once."""

    async def story():
        first = await scene.ask(1, 2, 2)
        scene.time.pass_by(99)
        return first, await scene.ask(1, 2)

    assert play(story) == ({1: 0.25, 2: 0.5}, {1: 0.25, 2: 0.5})
    assert scene.loads == [[1, 2]]
    assert scene.outcomes() == {"miss": 2, "hit": 2}


def test_a_single_key_is_got_like_many(scene: Scene):
    """`get` takes a loader without arguments."""

    async def story():
        async def load() -> float | None:
            return 0.5

        return await scene.cache.get(scene.key(9), load), await scene.ask(9)

    assert play(story) == (0.5, {9: 0.5})
    assert scene.loads == []


def test_only_what_is_missing_is_loaded(scene: Scene):
    """The rest comes from the cache."""

    async def story():
        await scene.ask(1)
        return await scene.ask(1, 2, 3)

    assert play(story) == {1: 0.25, 2: 0.5, 3: 0.75}
    assert scene.loads == [[1], [2, 3]]


def test_tasks_that_ask_for_the_same_keys_share_the_loading(scene: Scene):
    """Each key is fetched by one of them, also when their sets only overlap."""

    async def story():
        scene.gate = asyncio.Event()
        callers = [asyncio.create_task(scene.ask(*numbers)) for numbers in ((1, 2), (2, 3), (1, 2, 3))]
        await settle()
        scene.gate.set()
        return await asyncio.gather(*callers)

    assert play(story) == [{1: 0.25, 2: 0.5}, {2: 0.5, 3: 0.75}, {1: 0.25, 2: 0.5, 3: 0.75}]
    assert scene.loads == [[1, 2], [3]]


def test_a_caller_that_gives_up_does_not_take_the_value_from_the_others(scene: Scene):
    """The fetch goes on and is kept."""

    async def story():
        scene.gate = asyncio.Event()
        first, second = (asyncio.create_task(scene.ask(1)) for _ in range(2))
        await settle()
        first.cancel()
        scene.gate.set()
        return await second, await scene.ask(1)

    assert play(story) == ({1: 0.25}, {1: 0.25})
    assert scene.loads == [[1]]


def test_a_stale_entry_is_served_while_one_task_fetches_it_anew(scene: Scene):
    """However many ask meanwhile."""

    async def story():
        await scene.ask(1)
        scene.time.pass_by(105)
        scene.source[1], scene.gate = 0.9, asyncio.Event()
        stale = await asyncio.gather(*(scene.ask(1) for _ in range(5)))
        scene.gate.set()
        await settle()
        return stale, await scene.ask(1)

    assert play(story) == ([{1: 0.25}] * 5, {1: 0.9})
    assert scene.loads == [[1], [1]]
    assert scene.outcomes() == {"miss": 1, "stale": 5, "hit": 1}


def test_after_a_refresh_that_failed_the_source_is_left_alone_for_a_second(scene: Scene):
    """The stale entry is served on."""

    async def story():
        await scene.ask(1)
        scene.failing = True
        scene.time.pass_by(102)
        answers = []
        for _ in range(3):
            answers.append(await scene.ask(1))
            await settle()
        scene.time.pass_by(1.5)
        answers.append(await scene.ask(1))
        await settle()
        return answers

    assert play(story) == [{1: 0.25}] * 4
    assert len(scene.loads) == 1 + 2


def test_an_old_entry_stands_in_when_the_source_fails(scene: Scene):
    """Until its time for that is over; then the error is the answer."""

    async def story():
        await scene.ask(1)
        scene.failing = True
        scene.time.pass_by(600)
        old = await scene.ask(1)
        scene.time.pass_by(600)
        with pytest.raises(ConnectionError):
            await scene.ask(1)
        return old

    assert play(story) == {1: 0.25}
    assert scene.outcomes() == {"miss": 2, "stale": 1}


def test_an_old_entry_is_not_served_when_the_source_answers(scene: Scene):
    """Old means past fresh and stale."""

    async def story():
        await scene.ask(1)
        scene.source[1] = 0.9
        scene.time.pass_by(111)
        return await scene.ask(1)

    assert play(story) == {1: 0.9}


def test_an_error_may_leave_out_what_has_no_old_entry(scene: Scene):
    """The caller asked for it that way."""

    async def story():
        await scene.ask(1)
        scene.failing = True
        scene.time.pass_by(600)
        asked = [scene.key(1), scene.key(2)]
        return await scene.cache.get_many(asked, scene.load_many, leave_out_failed=True)

    assert play(story) == {scene.key(1): 0.25}


def test_that_there_is_nothing_is_remembered_for_a_short_time(scene: Scene):
    """And never served as stale."""

    async def story():
        answers = [await scene.ask(77), await scene.ask(77)]
        scene.source[77] = 0.1
        scene.time.pass_by(5.5)
        return [*answers, await scene.ask(77)]

    assert play(story) == [{}, {}, {77: 0.1}]
    assert scene.loads == [[77], [77]]
    assert scene.outcomes() == {"miss": 2, "negative": 1}


@pytest.mark.parametrize("tier", ["l1", "l2"])
def test_a_cache_that_is_off_loads_always_and_keeps_nothing(tier, tmp_path: Path):
    """That is how its worth is measured."""
    scene = Scene(tier, tmp_path, is_enabled=False)

    async def story():
        return [await scene.ask(1, 99) for _ in range(3)]

    assert play(story) == [{1: 0.25}] * 3
    assert len(scene.loads) == 3
    assert (scene.memory.memory.entries, scene.store.entries) == (0, {})


@pytest.mark.parametrize("tier", ["l1", "l2"])
def test_entries_of_one_moment_do_not_end_at_one_moment(tier, tmp_path: Path):
    """Jitter shortens each by up to its share, never more."""
    scene = Scene(tier, tmp_path, lifetime=Lifetime(fresh="100s", jitter=0.5))
    scene.source = dict.fromkeys(range(200), 1.0)

    async def story():
        await scene.ask(*range(200))
        scene.time.pass_by(49.9)
        await scene.ask(*range(200))
        early = scene.outcomes()["hit"]
        scene.time.pass_by(25)
        await scene.ask(*range(200))
        return early, scene.outcomes()["hit"] - early

    early, halfway = play(story)

    assert early == 200
    assert 60 < halfway < 140


@pytest.mark.parametrize("mark", ["all", "kind", "key", "other"])
def test_what_was_invalidated_while_it_was_loaded_is_served_once_but_not_kept(scene: Scene, mark):
    """Else an old value would come to stay after the invalidation."""
    posted = {"all": "all", "kind": f"kind:{scene.kind}", "key": f"key:{scene.key(1)}", "other": "kind:feed"}

    async def story():
        scene.gate = asyncio.Event()
        first = asyncio.create_task(scene.ask(1))
        await settle()
        scene.journal.post(posted[mark])
        scene.source[1] = 0.9
        scene.gate.set()
        return await first, await scene.ask(1)

    assert play(story) == ({1: 0.25}, {1: 0.25 if mark == "other" else 0.9})


def test_who_asks_after_an_invalidation_does_not_get_what_was_loaded_before_it(scene: Scene):
    """A fetch that began earlier is not joined: what is made of its old value would itself be kept for minutes."""

    async def story():
        scene.gate = asyncio.Event()
        first = asyncio.create_task(scene.ask(1))
        await settle()
        scene.journal.post(f"key:{scene.key(1)}")
        scene.source[1] = 0.9
        second, third = (asyncio.create_task(scene.ask(1)) for _ in range(2))
        await settle()
        scene.gate.set()
        return await first, await second, await third, await scene.ask(1)

    assert play(story) == ({1: 0.25}, {1: 0.9}, {1: 0.9}, {1: 0.9})
    assert scene.loads == [[1], [1]]


def test_dropping_makes_the_next_one_load(scene: Scene):
    """And says how many were there."""

    async def story():
        await scene.ask(1, 2)
        dropped = await scene.cache.drop([scene.key(1), scene.key(3)])
        await scene.ask(1, 2)
        return dropped

    assert play(story) == 1
    assert scene.loads == [[1, 2], [1]]


def test_a_key_of_another_kind_is_refused(scene: Scene):
    """Two kinds would read each other's values."""

    async def story():
        with pytest.raises(ValueError, match="no key of kind"):
            await scene.cache.get_many(["feed:1"], scene.load_many)
        return await scene.cache.get_many([], scene.load_many)

    assert play(story) == {}


def test_closing_ends_fetches_and_tells_who_waits(scene: Scene):
    """No task is left behind."""

    async def story():
        scene.gate = asyncio.Event()
        waiter = asyncio.create_task(scene.ask(1))
        await settle()
        await scene.cache.close()
        with pytest.raises(FlightEndedError):
            await waiter
        return len(asyncio.all_tasks())

    assert play(story) == 1


def test_the_trace_of_the_request_is_told_every_outcome(scene: Scene):
    """That is what the one line of the log says of caches."""
    trace = Trace()

    async def story():
        with tracing(trace):
            await scene.ask(1, 2)
            await scene.ask(1)

    play(story)

    assert trace.cache == {f"{scene.tier}.{scene.kind}.miss": 2, f"{scene.tier}.{scene.kind}.hit": 1}
