"""Thousands of feeds that grow old at the same time must not bring the service down."""

import asyncio

from tests.service.edge.world import World, let_others_run, run

from opsctl.service.cache.policy import CacheBook, EdgeTier

USERS = 100


async def _filled(world: World) -> None:
    for user in range(USERS):
        await world.ask(f"/v1/feed/{user}")
    world.api.asked.clear()


def _gate_before(world: World) -> asyncio.Event:
    """Let the API answer once the gate opens."""
    gate = asyncio.Event()

    async def wait() -> None:
        await gate.wait()

    world.api.before = wait
    return gate


def test_only_a_few_old_feeds_are_made_anew_at_once_and_all_are_answered_meanwhile() -> None:
    """Every reader gets an old feed at once; the API makes eight, and a second later others."""

    async def story() -> None:
        with World() as world:
            await _filled(world)
            gate = _gate_before(world)
            world.time.now += 301
            replies = [await world.ask(f"/v1/feed/{user}") for user in range(USERS)]
            await let_others_run()
            assert {reply["x-cache"] for reply in replies} == {"STALE"}
            assert len(world.api.asked) == 8

            gate.set()
            await let_others_run()
            world.time.now += 1
            again = [await world.ask(f"/v1/feed/{user}") for user in range(USERS)]
            assert [reply["x-cache"] for reply in again].count("HIT-L1") == 8
            await let_others_run()
            assert len(world.api.asked) == 16

    run(story())


def test_a_busy_worker_gives_feeds_that_are_older_still_instead_of_making_more() -> None:
    """Past `stale_while_revalidate` a reader waits for a new feed, but not behind many others."""

    async def story() -> None:
        with World() as world:
            await _filled(world)
            gate = _gate_before(world)
            world.time.now += 600
            asked = [asyncio.create_task(world.ask(f"/v1/feed/{user}")) for user in range(USERS)]
            await let_others_run()
            answered = [task for task in asked if task.done()]
            assert len(answered) == USERS - 8
            assert {task.result()["x-cache"] for task in answered} == {"STALE"}

            gate.set()
            assert {(await task)["x-cache"] for task in asked} == {"STALE", "MISS"}

    run(story())


def test_old_feeds_are_made_anew_at_the_books_pace() -> None:
    """However many grow old, and however quickly each is made, a worker keeps time for its other work."""

    async def story() -> None:
        with World(cache=CacheBook(l1=EdgeTier(refreshes_per_second=5))) as world:
            await _filled(world)
            world.time.now += 301
            for _ in range(10):
                for user in range(USERS):
                    assert (await world.ask(f"/v1/feed/{user}"))["x-cache"] in {"STALE", "HIT-L1"}
                await let_others_run()
                world.time.now += 1
            assert len(world.api.asked) == 8 + 9 * 5

    run(story())
