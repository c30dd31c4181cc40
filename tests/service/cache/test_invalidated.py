"""A worker's memory follows the journal: who posts anywhere on the machine is heard before the next lookup."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.key_value_store import DictStore
from tests.service.cache.clocks import Time
from tests.service.cache.test_kind import play

from opsctl.service.cache import keys
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.invalidation import ItemInvalidation, ReaderInvalidation
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.memory import MemoryTier
from opsctl.service.telemetry.meters import Meters

FEED_1 = keys.feed(1, limit=20, region=None, category=None)
FEED_2 = keys.feed(2, limit=20, region="nsw", category="florists")
READER_1 = keys.user_embedding(1, model="m")


class Worker:
    """The memory of one worker process, filled."""

    def __init__(self, path: Path, journal: InvalidationJournal | None = None) -> None:
        self.time = Time()
        self.meters = Meters()
        self.revoked: list[str | None] = []
        self.memory = InvalidatedMemory(
            MemoryTier(bytes_limit=1_000_000, now=self.time, evicted=lambda _: None),
            journal or InvalidationJournal(path),
            meters=self.meters,
            key_revoked=self.revoked.append,
        )
        self.put(FEED_1, ("user-1", "content-7", "content-8"))
        self.put(FEED_2, ("user-2", "content-8"))
        self.put(READER_1, keys.tags_of(READER_1))

    def put(self, key: str, tags: tuple[str, ...], since: int | None = None) -> bool:
        """Hold something."""
        since = self.memory.sequence if since is None else since
        return self.memory.put(
            key, b"x", size_bytes=1, fresh_seconds=60, kept_seconds=60, tags=tags, since=since
        )

    def held(self) -> set[str]:
        """Return the keys that a lookup finds."""
        return {key for key in (FEED_1, FEED_2, READER_1) if self.memory.get(key) is not None}

    def figure(self, name: str, **labels: str) -> float:
        """Return one sample of the worker's metrics."""
        families = text_string_to_metric_families(self.meters.render().decode())
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


class _Overtaken(InvalidationJournal):
    """A journal in which another process posts right after so many looks at its number."""

    looks_left = -2

    @property
    def sequence(self) -> int:
        """Return the number, and let the other one post behind it."""
        number = super().sequence
        self.looks_left -= 1
        if self.looks_left == -1:
            other = InvalidationJournal(self.path)
            other.post("tag:content-7")
            other.close()
        return number


@pytest.fixture
def workers(tmp_path: Path) -> tuple[Worker, Worker]:
    """Give two workers of one machine."""
    return Worker(tmp_path / "invalidations"), Worker(tmp_path / "invalidations")


@pytest.mark.parametrize(
    ("mark", "stays"),
    [
        ("tag:content-7", {FEED_2, READER_1}),
        ("tag:content-8", {READER_1}),
        ("tag:user-1", {FEED_2, READER_1}),
        ("tag:reader-1", {FEED_1, FEED_2}),
        (f"key:{FEED_2}", {FEED_1, READER_1}),
        ("kind:feed", {READER_1}),
        ("kind:thompson", {FEED_1, FEED_2, READER_1}),
        ("apikey:abcd1234", {FEED_1, FEED_2, READER_1}),
        ("all", set()),
    ],
)
def test_a_mark_drops_what_it_names_in_every_worker(workers, mark, stays):
    """The one that posts included."""
    workers[0].memory.journal.post(mark)

    assert [worker.held() for worker in workers] == [stays, stays]


def test_a_key_that_was_revoked_is_told_to_the_edge(workers):
    """`all` and a lost ring mean any key."""
    workers[0].memory.journal.post("apikey:abcd1234")
    workers[1].held()
    workers[0].memory.journal.post("all")
    workers[1].held()

    assert workers[1].revoked == ["abcd1234", None]


def test_a_worker_that_missed_marks_clears_everything(workers):
    """It cannot know what they named."""
    workers[0].memory.journal.post(*(f"tag:content-{n}" for n in range(1000, 1000 + 4096)))
    workers[0].memory.journal.post("tag:content-1")

    assert workers[1].held() == set()


def test_drops_are_counted_by_kind(workers):
    """One for each entry."""
    workers[0].memory.journal.post("tag:content-8", "tag:reader-1")
    workers[0].held()

    name = "ranking_cache_invalidations_total"
    assert workers[0].figure(name, tier="l1", kind="feed") == 2
    assert workers[0].figure(name, tier="l1", kind="user_embedding") == 1


def test_what_was_made_before_an_invalidation_is_not_kept_after_it(workers):
    """The maker noted the number before it began."""
    before = workers[0].memory.sequence
    workers[1].memory.journal.post("tag:content-7")

    assert workers[0].put(FEED_1, ("user-1", "content-7"), since=before) is False
    assert workers[0].put(FEED_2, ("user-2",), since=before) is True
    assert workers[0].put(FEED_1, ("user-1", "content-7")) is True


def test_an_invalidation_between_two_looks_of_a_put_is_not_lost(tmp_path: Path):
    """Posted by another process at any moment of the put, it drops what the put holds."""
    for moment in range(5):
        journal = _Overtaken(tmp_path / f"invalidations{moment}")
        worker = Worker(journal.path, journal)
        before = journal.sequence
        journal.looks_left = moment

        worker.put(FEED_1, ("user-1", "content-7"), since=before)

        was_overtaken, journal.looks_left = journal.looks_left < 0, -2
        assert was_overtaken is (FEED_1 not in worker.held())


def test_tending_hears_of_a_journal_that_was_made_anew(workers, tmp_path: Path):
    """A lookup alone would read the removed file for ever."""
    (tmp_path / "invalidations").unlink()
    workers[0].memory.journal.post("tag:content-1")
    workers[1].memory.tend()

    assert workers[1].held() == set()
    workers[1].put(FEED_1, ("content-7",))
    workers[0].memory.journal.post("tag:content-7")
    assert workers[1].held() == set()


def test_a_journal_that_cannot_be_made_anew_stops_neither_lookups_nor_tending(workers, tmp_path: Path):
    """What is held is served; once there can be a journal again, all of it is doubted."""
    worker, path = workers[0], tmp_path / "invalidations"
    path.unlink()
    path.mkdir()
    worker.memory.tend()

    assert worker.held() == {FEED_1, FEED_2, READER_1}
    assert worker.figure("ranking_cache_entries", tier="l1", kind="feed") == 2
    path.rmdir()
    worker.memory.tend()
    assert worker.held() == set()
    assert worker.revoked == [None]


def test_tending_lets_go_and_tells_the_figures(workers):
    """Entries and bytes by kind, without a lookup."""
    worker = workers[0]
    worker.memory.tend()
    held = worker.figure("ranking_cache_entries", tier="l1", kind="feed")
    worker.time.pass_by(120)
    worker.memory.tend()

    assert held == 2
    assert worker.figure("ranking_cache_entries", tier="l1") == 0
    assert worker.figure("ranking_cache_bytes", tier="l1") == 0


def test_figures_are_there_before_anything_is_held(workers):
    """Zero entries are not the same as nobody knows."""
    workers[0].memory.write_figures()

    assert b'ranking_cache_entries{kind="thompson",tier="l1"} 0.0' in workers[0].meters.render()


def test_a_changed_item_leaves_l2_and_every_feed_that_holds_it(workers):
    """Other items stay."""
    worker = workers[0]
    store = DictStore(worker.time)
    items = ItemInvalidation(
        store, worker.memory.journal, embedding_model="m", scorer="s", meters=worker.meters
    )
    of_7 = [
        keys.content_embedding(7, model="m"),
        keys.quality_score(7),
        keys.agent_score(7, scorer="s"),
    ]

    async def story():
        await store.set_many(dict.fromkeys([*of_7, keys.quality_score(8)], b"x"), keep_seconds=60)
        return await items.drop([7]), await items.drop([])

    assert play(story) == (True, True)
    assert list(store.entries) == [keys.quality_score(8)]
    assert workers[1].held() == {FEED_2, READER_1}


def test_an_item_that_is_dropped_twice_is_counted_once(workers):
    """The route that writes an item drops it, and the follower of the outbox drops it again."""
    worker = workers[0]
    store = DictStore(worker.time)
    items = ItemInvalidation(
        store, worker.memory.journal, embedding_model="m", scorer="s", meters=worker.meters
    )

    async def story():
        await store.set_many(dict.fromkeys([keys.quality_score(7)], b"x"), keep_seconds=60)
        await items.drop([7, 8])
        await items.drop([7, 8])

    play(story)
    name = "ranking_cache_invalidations_total"
    assert worker.figure(name, tier="l2", kind="quality_score") == 1
    assert not worker.figure(name, tier="l2", kind="agent_score")


def test_everything_is_dropped_from_l2_and_from_every_worker(workers):
    """Where it is not known how old it is; an L2 that is empty costs the workers nothing."""
    worker = workers[0]
    store = DictStore(worker.time)
    items = ItemInvalidation(
        store, worker.memory.journal, embedding_model="m", scorer="s", meters=worker.meters
    )
    held = workers[1].held()

    async def story():
        nothing = await items.drop_everything()
        is_kept = workers[1].held() == held
        entries = [keys.quality_score(7), keys.agent_score(7, scorer="another")]
        await store.set_many(dict.fromkeys(entries, b"x"), keep_seconds=60)
        return nothing, is_kept, await items.drop_everything()

    assert play(story) == (0, True, 2)
    assert store.entries == {}
    assert workers[1].held() == set()


def test_vectors_that_may_be_lies_leave_l2_and_the_readers_made_of_them_leave_every_worker(workers):
    """Other vectors and all feeds stay."""
    worker = workers[0]
    store = DictStore(worker.time)
    items = ItemInvalidation(
        store, worker.memory.journal, embedding_model="m", scorer="s", meters=worker.meters
    )
    good, lie = keys.content_embedding(7, model="m"), keys.content_embedding(8, model="m")

    async def story():
        await store.set_many(dict.fromkeys([good, lie], b"x"), keep_seconds=60)
        return await items.drop_vectors([8])

    assert play(story) is True
    assert set(store.entries) == {good}
    assert workers[1].held() == {FEED_1, FEED_2}


def test_lies_that_l2_could_not_drop_are_told(workers):
    """Whoever asked for it has to ask again."""
    worker = workers[0]
    store = DictStore(worker.time)
    store.broken = True
    items = ItemInvalidation(
        store, worker.memory.journal, embedding_model="m", scorer="s", meters=worker.meters
    )

    async def story():
        return await items.drop_vectors([8])

    assert play(story) is False
    assert workers[1].held() == {FEED_1, FEED_2}


def test_a_store_that_fails_does_not_keep_the_workers_from_hearing(workers):
    """The caller is told that L2 still has it."""
    worker = workers[0]
    store = DictStore(worker.time)
    store.broken = True
    items = ItemInvalidation(
        store, worker.memory.journal, embedding_model="m", scorer="s", meters=worker.meters
    )

    async def story():
        return await items.drop([7])

    assert play(story) is False
    assert workers[1].held() == {FEED_2, READER_1}


def test_a_significant_interaction_drops_the_reader_and_keeps_the_feeds(workers):
    """The feed stays until it expires."""
    ReaderInvalidation(workers[0].memory.journal).drop([1])

    assert workers[1].held() == {FEED_1, FEED_2}


def test_a_journal_that_refuses_is_no_reason_to_refuse_what_a_reader_did(workers, caplog):
    """It is written by then; the vector stays until it expires, and the log says so."""
    journal = workers[0].memory.journal
    journal.path.unlink()
    journal.path.mkdir()

    ReaderInvalidation(journal).drop([1])

    assert workers[1].held() == {FEED_1, FEED_2, READER_1}
    assert "vectors of readers stay until they expire" in caplog.text
