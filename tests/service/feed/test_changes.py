"""What changes reaches every cache: interactions, items written here, items written elsewhere."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.service.feed.world import Worker, World, worker

from opsctl.clients.postgres import connect
from opsctl.core.errors import RefusedError
from opsctl.service.api.ports import UnknownVendorError
from opsctl.service.cache import keys
from opsctl.service.model import FeedRequest
from opsctl.store.content_writes import NewContent
from opsctl.store.locks import held_lock
from opsctl.store.readers import NewInteraction

pytestmark = pytest.mark.stack


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in a loop of its own."""
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function


def did(one: Worker, key: str, item: int, kind: str, *, user_id: int = 7) -> NewInteraction:
    """Return an interaction of a minute ago."""
    return NewInteraction(
        idempotency_key=key,
        kind=kind,
        user_id=user_id,
        content_id=item,
        occurred_at=one.clock.ago(60),
    )


def new_item(*, title: str = "Aerial Films", quality: float = 0.9, vendor_id: int = 1) -> NewContent:
    """Return an item to write."""
    return NewContent(
        vendor_id=vendor_id,
        title=title,
        description="Drone footage of weddings and festivals.",
        region="AU",
        district="Sydney",
        category="videographer",
        tags=("drone",),
        price_usd=900.0,
        quality=quality,
        status="published",
    )


@contextmanager
def second_process(folder: Path, *, tag: str) -> Iterator[Callable[[], str]]:
    """Run a process that holds an entry of this tag; call the value to hear whether it still does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.service.feed.second_process", str(folder), tag],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask() -> str:
        stdin.write("\n")
        stdin.flush()
        return stdout.readline().strip()

    try:
        assert stdout.readline().strip() == "held"
        yield ask
    finally:
        stdin.close()
        process.wait(timeout=60)
        stdout.close()


@pytest.mark.slow
def test_a_significant_interaction_makes_the_readers_vector_anew(world: World, folder: Path) -> None:
    """A save counts in the next feed that is built; a view waits for the vector to expire."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            readers = one.parts.builder._stages.readers
            before = await readers.of(7)
            await one.interactions.record([did(one, "a", 1, "view")])
            after_view = await readers.of(7)
            await one.interactions.record([did(one, "b", 2, "save")])
            after_save = await readers.of(7)

        assert before.vector is None
        assert after_view is before
        assert after_save.vector is not None
        assert after_save.seen == {1, 2}

    run(scenario)


@pytest.mark.slow
def test_interactions_count_once_and_by_kind(world: World, folder: Path) -> None:
    """Repeated keys and unknown items are told; metrics count what was new."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            first = await one.interactions.record(
                [did(one, "a", 1, "save"), did(one, "a", 2, "hide"), did(one, "b", 10**9, "view")]
            )
            again = await one.interactions.record([did(one, "a", 1, "save")])
            saves = one.sample("ranking_interactions_total", kind="save")
            repeated = one.sample("ranking_interactions_repeated_total")

        assert (first.accepted, first.repeated, first.unknown_content) == (("a",), ("a",), ("b",))
        assert again.repeated == ("a",)
        assert (saves, repeated) == (1, 2)

    run(scenario)


def test_a_save_reaches_another_process(world: World, folder: Path) -> None:
    """By the journal, before the next lookup there."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            with second_process(folder, tag=keys.reader_tag(7)) as ask:
                before = ask()
                await one.interactions.record([did(one, "a", 1, "save")])
                after = ask()

        assert (before, after) == ("held", "gone")

    run(scenario)


def test_a_written_item_leaves_every_cache_of_every_process(world: World, folder: Path) -> None:
    """Its facts are read anew, and another process drops the feed that holds it."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            facts = one.parts.builder._stages.content._facts
            old = (await facts.of([5]))[5]
            await one.settle()
            with second_process(folder, tag=keys.content_tag(5)) as ask:
                before = ask()
                content, is_new = await one.contents.write(5, new_item(title="Quite Another"))
                after = ask()
            new = (await facts.of([5]))[5]

        assert not is_new
        assert content.title == new.title == "Quite Another"
        assert old.title != new.title
        assert (before, after) == ("held", "gone")

    run(scenario)


def test_an_item_of_no_vendor_is_refused(world: World, folder: Path) -> None:
    """Nothing is written, nothing is dropped."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            with pytest.raises(UnknownVendorError):
                await one.contents.write(5, new_item(vendor_id=10**9))
            assert (await one.contents.read(5)) is not None
            assert await one.contents.read(10**9) is None
            assert await one.contents.delete(10**9) is False

    run(scenario)


@pytest.mark.slow
def test_an_item_written_here_appears_in_searches_after_one_look_of_the_follower(
    own_world: World, folder: Path
) -> None:
    """With its vector; removed it is gone again, from feeds too."""

    async def scenario() -> None:
        async with worker(own_world, folder) as one:
            await one.follower.step()
            _, is_new = await one.contents.write(1000, new_item())
            await one.follower.step()
            await one.parts.board.refresh()
            request = FeedRequest(user_id=1, limit=100, region="AU", category="videographer")
            there = await one.parts.builder.build(request)
            vectors = await one.searcher.vectors(own_world.collection, [1000])
            await one.contents.delete(1000)
            gone = await one.parts.builder.build(request)
            await one.follower.step()
            vectors_after = await one.searcher.vectors(own_world.collection, [1000])

        assert is_new
        assert 1000 in [item.content_id for item in there.items]
        assert list(vectors) == [1000]
        assert 1000 not in [item.content_id for item in gone.items]
        assert vectors_after == {}

    run(scenario)


@pytest.mark.slow
def test_a_change_made_elsewhere_reaches_the_caches(own_world: World, folder: Path) -> None:
    """First facts and feeds, then, once the vector is written, the vector too; nothing is left to follow."""

    async def scenario() -> None:
        async with worker(own_world, folder) as one:
            await one.follower.step()
            stages = one.parts.builder._stages
            old_facts = (await stages.content._facts.of([5]))[5]
            old_vector = (await stages.content._vectors.of([5]))[5].copy()
            await one.settle()
            own_world.execute("update content set title = 'Zeppelin Rides', description = '' where id = 5")
            followed = await one.follower.step()
            new_facts = (await stages.content._facts.of([5]))[5]
            new_vector = (await stages.content._vectors.of([5]))[5]
            lag = one.sample("ranking_outbox_lag")
            nothing = await one.follower.step()

        expected = own_world.embedder.embed(["Zeppelin Rides\n"])[0]
        assert (old_facts.title, new_facts.title) != (new_facts.title, old_facts.title)
        assert new_facts.title == "Zeppelin Rides"
        assert new_vector == pytest.approx(expected, abs=1e-5)
        assert old_vector != pytest.approx(expected, abs=1e-5)
        assert (followed, lag, nothing) == (3, 0, 0)

    run(scenario)


def test_a_follower_goes_on_where_the_one_before_it_stopped(own_world: World, folder: Path) -> None:
    """The watermark stands in the database; another machine has one of its own, which begins at what is newest."""

    async def scenario() -> None:
        async with worker(own_world, folder) as one:
            first = await one.follower._drop(one.follower._consumers.facts, behind=None)
        own_world.execute("update content set title = title || '!' where id <= 3")
        async with worker(own_world, folder) as other:
            second = await other.follower._drop(other.follower._consumers.facts, behind=None)
        async with worker(own_world, folder.parent / "elsewhere") as third:
            begun = await third.follower._drop(third.follower._consumers.facts, behind=None)
            own_world.execute("update content set title = title || '!' where id <= 2")
            third_follows = await third.follower._drop(third.follower._consumers.facts, behind=None)

        # A cache that holds nothing yet has nothing to put right of what happened before.
        assert (first, second) == (0, 3)
        assert (begun, third_follows) == (0, 2)

    run(scenario)


@pytest.mark.slow
def test_an_l2_of_unknown_age_is_cleared_before_changes_are_followed(
    own_world: World, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a watermark nobody knows which changes it missed, such as behind a database that was restored."""

    async def scenario() -> None:
        async with worker(own_world, folder) as one:
            await one.follower.step()
            stages = one.parts.builder._stages
            await stages.content._facts.of([5])
            await one.settle()
            own_world.execute("update content set title = 'Kites' where id = 5")
            own_world.execute("delete from outbox_watermarks where consumer like 'caches%%'")
            caplog.clear()
            await one.follower.step()
            facts = (await stages.content._facts.of([5]))[5]
            told = [record.getMessage() for record in caplog.records]
            await one.follower.step()

        assert facts.title == "Kites"
        assert [message.partition(" of L2 were dropped")[0] for message in told] == ["1 entries"]
        assert len(caplog.records) == 1

    run(scenario)


@pytest.mark.slow
def test_while_a_synchronisation_runs_the_vectors_are_left_to_it(own_world: World, folder: Path) -> None:
    """The caches follow all the same, and the vectors come with the next look."""

    async def scenario() -> None:
        async with worker(own_world, folder) as one:
            await one.follower.step()
            own_world.execute("update content set title = 'Kites' where id = 5")
            name = f"vectors:{own_world.collection}"
            with (
                connect(own_world.database) as other,
                held_lock(other, name=name, refusal=RefusedError("busy", code="X")),
            ):
                while_busy = await one.follower.step()
            afterwards = await one.follower.step()

        assert (while_busy, afterwards) == (1, 2)

    run(scenario)


@pytest.mark.slow
def test_two_workers_do_not_follow_the_same_batch(own_world: World, folder: Path) -> None:
    """While one is at it, the other passes by instead of waiting."""

    async def scenario() -> None:
        async with worker(own_world, folder) as one, one.database.connection("test") as connection:
            await one.follower.step()
            own_world.execute("update content set title = 'Kites' where id = 5")
            async with connection.transaction():
                await connection.execute(
                    "select from outbox_watermarks where consumer = %s for update",
                    [one.follower._consumers.facts],
                )
                async with asyncio.timeout(60):
                    passed = await one.follower._drop(one.follower._consumers.facts, behind=None)
            followed = await one.follower._drop(one.follower._consumers.facts, behind=None)

        assert (passed, followed) == (0, 1)

    run(scenario)


@pytest.mark.slow
def test_the_follower_runs_until_told_to_stop(own_world: World, folder: Path) -> None:
    """It follows by itself and ends at once."""

    async def scenario() -> None:
        async with worker(own_world, folder) as one:
            stop = asyncio.Event()
            task = asyncio.create_task(one.follower.run(stop))
            await one.contents.write(1000, new_item())
            async with asyncio.timeout(60):
                # The vector node has no way to tell.
                while not await one.searcher.vectors(own_world.collection, [1000]):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                stop.set()
                await task

    run(scenario)


def test_an_old_interaction_does_not_count_as_much_as_a_new_one(world: World, folder: Path) -> None:
    """Half after one half-life: the vector leans to the newer of two likes."""

    async def scenario() -> None:
        async with worker(world, folder) as one:
            await one.interactions.record(
                [
                    NewInteraction(
                        idempotency_key=str(item),
                        kind="save",
                        user_id=7,
                        content_id=item,
                        occurred_at=one.clock.moment - timedelta(days=days),
                    )
                    for item, days in ((1, 120), (400, 1))
                ]
            )
            profile = await one.parts.builder._stages.readers.of(7)
            vectors = await one.searcher.vectors(world.collection, [1, 400])

        assert profile.vector is not None
        assert profile.vector @ vectors[400] > profile.vector @ vectors[1]
        assert (profile.segment, profile.region) == ("light", None)
        assert profile.usual_price_usd is not None

    run(scenario)
