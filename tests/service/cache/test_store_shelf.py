"""L2 entries: what is damaged, foreign, late or from a wrong clock is never served, and a store that fails costs a fetch."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.cache.test_kind import Scene, play, settle

from opsctl.service.cache.codecs import CodecError
from opsctl.service.cache.policy import Lifetime
from opsctl.service.cache.sealed import Sealed, schema_id, seal, unseal

SCHEMA = schema_id("agent_score", 1, "float64")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Give L2 over a dict."""
    return Scene("l2", tmp_path)


@given(st.binary(max_size=64), st.integers(min_value=0), st.integers(1, 255))
def test_any_byte_that_was_changed_is_noticed(payload, place, change):
    """Header, checksum or payload."""
    data = bytearray(seal(Sealed(payload, 1.0, 2.0, 3.0), key="k", schema=SCHEMA))
    data[place % len(data)] ^= change

    with pytest.raises(CodecError):
        unseal(bytes(data), key="k", schema=SCHEMA)


@given(st.binary(max_size=64), st.integers(min_value=0))
def test_what_was_cut_off_is_noticed(payload, length):
    """At whatever place."""
    data = seal(Sealed(payload, 1.0, 2.0, 3.0), key="k", schema=SCHEMA)

    with pytest.raises(CodecError):
        unseal(data[: length % len(data)], key="k", schema=SCHEMA)


@given(st.one_of(st.none(), st.binary(max_size=64)))
def test_what_is_sealed_comes_back(payload):
    """An absence too."""
    entry = Sealed(payload, 1.5, 2.5, 3.5)

    assert unseal(seal(entry, key="k", schema=SCHEMA), key="k", schema=SCHEMA) == entry


def test_another_key_or_schema_is_another_entry():
    """An entry does not fit where it was not written for."""
    data = seal(Sealed(b"x", 1.0, 2.0, 3.0), key="k", schema=SCHEMA)

    for key, schema in (("other", SCHEMA), ("k", schema_id("agent_score", 2, "float64"))):
        with pytest.raises(CodecError):
            unseal(data, key=key, schema=schema)


def test_a_poisoned_entry_is_dropped_counted_and_loaded_anew(scene: Scene):
    """Never served."""

    async def story():
        await scene.ask(1, 2)
        value, ends = scene.store.entries[scene.key(1)]
        scene.store.entries[scene.key(1)] = (value[:-1] + bytes([value[-1] ^ 1]), ends)
        scene.source[1] = 0.9
        return await scene.ask(1, 2)

    assert play(story) == {1: 0.9, 2: 0.5}
    assert scene.outcomes() == {"miss": 2, "hit": 1, "poisoned": 1}


def test_a_poisoned_entry_goes_even_when_the_source_is_down(scene: Scene):
    """It stands in for nothing."""

    async def story():
        await scene.ask(1)
        scene.store.entries[scene.key(1)] = (b"rubbish", scene.time() + 100)
        scene.failing = True
        with pytest.raises(ConnectionError):
            await scene.ask(1)
        return scene.store.entries

    assert play(story) == {}


def test_a_number_that_is_not_finite_is_served_to_nobody_later(scene: Scene):
    """What the source says is handed on once; it is not kept."""
    scene.source[1] = float("nan")

    async def story():
        await scene.ask(1)
        return scene.store.entries

    assert play(story) == {}


def test_an_old_value_that_is_written_behind_an_invalidation_is_taken_back(scene: Scene):
    """It was good when it was looked at, then it was dropped, and only then the write got its turn."""

    async def overtaken() -> None:
        scene.journal.post(f"key:{scene.key(1)}")
        await scene.store.delete_many([scene.key(1)])

    async def story():
        scene.store.before_write = overtaken
        answer = await scene.ask(1, 2)
        await settle()
        return answer, set(scene.store.entries)

    assert play(story) == ({1: 0.25, 2: 0.5}, {scene.key(2)})


@pytest.mark.parametrize("trouble", ["broken", "slow"])
def test_a_store_that_fails_or_is_late_is_an_error_and_the_source_answers(scene: Scene, trouble):
    """Every time, until it is back."""

    async def story():
        await scene.ask(1)
        scene.store.broken, scene.store.slow_seconds = trouble == "broken", 60 * (trouble == "slow")
        answers = [await scene.ask(1), await scene.ask(1)]
        scene.store.broken, scene.store.slow_seconds = False, 0.0
        scene.time.pass_by(1.5)
        return [*answers, await scene.ask(1)]

    assert play(story) == [{1: 0.25}] * 3
    assert scene.loads == [[1]] * 3
    outcomes = scene.outcomes()
    assert (outcomes["miss"], outcomes["hit"]) == (1, 1)
    # Two lookups and the writing of what was fetched for each of them.
    assert outcomes["error"] == 4


def test_a_clock_that_is_set_back_makes_nothing_immortal(scene: Scene):
    """An entry of the future is not believed."""

    async def story():
        await scene.ask(1)
        scene.time.pass_by(-86_400)
        scene.source[1] = 0.9
        return await scene.ask(1)

    assert play(story) == {1: 0.9}


def test_a_clock_that_is_a_little_off_is_no_reason_to_load(scene: Scene):
    """Machines that share a store differ by seconds."""

    async def story():
        await scene.ask(1)
        scene.time.pass_by(-30)
        return await scene.ask(1)

    assert play(story) == {1: 0.25}
    assert scene.loads == [[1]]


def test_a_book_with_shorter_lifetimes_holds_for_entries_that_are_there(tmp_path: Path):
    """They end by what the book says today."""
    long = Scene("l2", tmp_path, lifetime=Lifetime(fresh="1h", jitter=0.0))
    short = Scene("l2", tmp_path, lifetime=Lifetime(fresh="10s", jitter=0.0))
    short.store.entries = long.store.entries
    short.source[1] = 0.9

    async def story():
        await long.ask(1)
        fresh = await short.ask(1)
        short.time.pass_by(11)
        return fresh, await short.ask(1)

    assert play(story) == ({1: 0.25}, {1: 0.9})


def test_waiters_get_the_value_before_a_slow_store_has_written_it(scene: Scene):
    """Writing is nobody's wait."""
    scene.store.slow_seconds = 0.02

    async def story():
        answer = await scene.ask(1)
        was_written = bool(scene.store.entries)
        again = await scene.ask(1)  # joins the flight that is still writing
        await asyncio.gather(*scene.cache._tasks)
        return answer, was_written, again, bool(scene.store.entries)

    assert play(story) == ({1: 0.25}, False, {1: 0.25}, True)
    assert scene.loads == [[1]]
