"""L1: bounded by bytes, least recently used out first, found by tag."""

import gc
import tracemalloc

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.service.cache.clocks import Time

from opsctl.service.cache.memory import MemoryTier, kind_of


def tier(time: Time, *, limit: int = 1_000_000) -> MemoryTier:
    """Return a memory that tells nobody of evictions."""
    return MemoryTier(bytes_limit=limit, now=time, evicted=lambda _: None)


def put(memory: MemoryTier, key: str, *, size: int = 100, kept: float = 60, tags: tuple[str, ...] = ()):
    """Hold something under a key."""
    return memory.put(key, b"x", size_bytes=size, fresh_seconds=kept / 2, kept_seconds=kept, tags=tags)


def drop_tag(memory: MemoryTier, tag: str) -> int:
    """Drop what carries a tag, and tell how much it was."""
    return sum(memory.drop(key) for key in memory.keys_of(tag))


def test_an_entry_is_found_with_its_times_until_it_is_no_longer_kept():
    """Fresh and kept are told apart; past the end there is nothing."""
    time = Time(100)
    memory = tier(time)
    put(memory, "feed:1", kept=60, tags=("a", "a", "b"))

    entry = memory.get("feed:1")
    assert entry is not None
    assert (entry.value, entry.stored_at, entry.fresh_until, entry.kept_until) == (b"x", 100, 130, 160)
    assert entry.tags == ("a", "b")
    time.pass_by(60)
    assert memory.get("feed:1") is None
    assert (memory.entries, memory.bytes_used) == (0, 0)


def test_the_least_recently_used_leaves_first_and_its_kind_is_told():
    """Reading an entry keeps it."""
    evicted: list[str] = []
    memory = MemoryTier(bytes_limit=20_000, now=Time(), evicted=evicted.append)
    for number in range(10):
        put(memory, f"feed:{number}", size=1000)

    assert memory.get("feed:0") is not None
    while not evicted:
        put(memory, f"thompson:{memory.entries}", size=1000)

    assert evicted == ["feed"]
    assert memory.get("feed:0") is not None
    assert memory.get("feed:1") is None


def test_an_entry_larger_than_a_tenth_of_the_memory_is_refused():
    """One entry does not push out everything; what the key held before is gone all the same."""
    memory = tier(Time(), limit=10_000)
    put(memory, "feed:1", size=10)

    assert put(memory, "feed:1", size=2_000) is False
    assert memory.get("feed:1") is None


def test_many_tags_count_as_size():
    """The reverse index is no way around the bound."""
    memory = tier(Time(), limit=100_000)

    assert put(memory, "feed:1", size=10, tags=tuple(f"content-{n}" for n in range(100))) is False


def test_dropping_a_tag_drops_exactly_its_entries():
    """Also when one key, then several, then none carry it."""
    memory = tier(Time())
    put(memory, "feed:1", tags=("content-1", "content-2"))
    put(memory, "feed:2", tags=("content-2",))
    put(memory, "feed:3", tags=("content-3",))

    assert drop_tag(memory, "content-2") == 2
    assert drop_tag(memory, "content-2") == 0
    assert drop_tag(memory, "content-1") == 0
    assert memory.get("feed:3") is not None


def test_expired_entries_leave_without_being_asked_for():
    """New entries sweep out old ones."""
    time = Time()
    memory = tier(time)
    for number in range(50):
        put(memory, f"feed:{number}", kept=60, tags=("content-1",))

    time.pass_by(120)
    put(memory, "feed:new")

    assert memory.entries == 1


@pytest.mark.slow
def test_what_is_charged_is_what_python_takes():
    """10,000 feeds of 4 KB with 21 tags each: the charge is at least the truth and at most 1.5 times as much."""
    memory = tier(Time(), limit=2**30)
    gc.collect()
    tracemalloc.start()
    try:
        for user in range(10_000):
            tags = (f"user-{user}", *(f"content-{(user * 7 + n * 131) % 5000}" for n in range(20)))
            memory.put(
                f"feed:{user}:v1:20::",
                bytes(4000),
                size_bytes=4000,
                fresh_seconds=300.5,
                kept_seconds=3900.25,
                tags=tags,
            )
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken <= memory.bytes_used * 1.02
    assert memory.bytes_used <= taken * 1.5


def test_the_kind_is_what_stands_before_the_first_colon():
    """A key without one is its own kind."""
    assert (kind_of("feed:1:2"), kind_of("feed")) == ("feed", "feed")


class MemoryMachine(RuleBasedStateMachine):
    """Whatever is done, the memory agrees with a plain dict, its index is exact and its bound holds."""

    keys = st.sampled_from([f"{kind}:{n}" for kind in ("feed", "user_embedding") for n in range(6)])
    tags = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)

    @initialize()
    def begin(self):
        """Begin empty."""
        self.time = Time()
        self.evictions = 0
        self.memory = MemoryTier(bytes_limit=9000, now=self.time, evicted=self._evicted)
        self.truth: dict[str, tuple[int, float, frozenset[str]]] = {}

    def _evicted(self, _kind: str) -> None:
        self.evictions += 1

    @rule(key=keys, size=st.integers(0, 400), kept=st.floats(1, 200), tags=tags)
    def put(self, key, size, kept, tags):
        """Hold something; what is evicted is what the memory no longer has."""
        self.memory.put(key, size, size_bytes=size, fresh_seconds=1, kept_seconds=kept, tags=tags)
        self.truth[key] = (size, self.time() + kept, frozenset(tags))
        self._forget_what_left()

    @rule(key=keys)
    def get(self, key):
        """What is found is the newest that was put."""
        entry = self.memory.get(key)
        if entry is not None:
            assert self.truth[key][0] == entry.value
            assert self.truth[key][1] > self.time()
        self._forget_what_left()

    @rule(tag=st.sampled_from(["a", "b", "c"]))
    def drop_tag(self, tag):
        """Exactly those with the tag go."""
        expected = {key for key, (_, _, tags) in self.truth.items() if tag in tags}
        assert drop_tag(self.memory, tag) == len(expected)
        self._forget_what_left()

    @rule(key=keys)
    def drop(self, key):
        """Dropping tells whether something was there."""
        assert self.memory.drop(key) == (key in self.truth)
        self._forget_what_left()

    @rule(seconds=st.floats(0, 100))
    def wait(self, seconds):
        """Let time pass."""
        self.time.pass_by(seconds)

    @rule()
    def clear(self):
        """Everything goes."""
        self.memory.clear()
        self._forget_what_left()

    @invariant()
    def the_books_balance(self):
        """Bound, entries, index and sums by kind agree."""
        assert self.memory.bytes_used <= self.memory.bytes_limit
        assert self.memory.entries == len(self.truth)
        links = {(tag, key) for key, (_, _, tags) in self.truth.items() for tag in tags}
        assert {(tag, key) for tag in "abc" for key in self.memory.keys_of(tag)} == links
        assert sum(count for count, _ in self.memory.by_kind().values()) == self.memory.entries
        if not self.truth:
            assert self.memory.bytes_used == 0

    def _forget_what_left(self):
        held = set(self.memory.keys_of_kind("feed")) | set(self.memory.keys_of_kind("user_embedding"))
        assert held <= set(self.truth)
        self.truth = {key: value for key, value in self.truth.items() if key in held}


TestMemoryMachine = MemoryMachine.TestCase


@pytest.mark.parametrize("size", [0, 5])
def test_dropping_what_is_not_there_says_so(size):
    """A drop is no error."""
    memory = tier(Time())
    if size:
        put(memory, "feed:1", size=size)

    assert memory.drop("feed:1") is bool(size)
