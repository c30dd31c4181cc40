"""Feeds that a lower tier made: given, kept for a short time, and never in place of a better one that is old."""

import pytest
from tests.service.edge.world import World, let_others_run, run

STAND_IN = {"x-feed-tier": "trending", "x-feed-reason": "vectors"}
FRESH, STALE, ERROR = 300, 60, 3600  # seconds, as ops/cache.yaml has them


def test_a_stand_in_is_kept_for_ten_seconds_and_never_given_old() -> None:
    """So a reader has the whole feed soon after the trouble is over."""

    async def story() -> None:
        with World() as world:
            world.api.headers = STAND_IN
            first = await world.ask("/v1/feed/42")
            again = await world.ask("/v1/feed/42")
            world.time.now += 10.1
            world.api.headers = {}
            later = await world.ask("/v1/feed/42")
            assert (first["x-feed-tier"], first["x-feed-reason"]) == ("trending", "vectors")
            assert again["x-cache"] == "HIT-L1"
            assert (later["x-cache"], later.has("x-feed-reason")) == ("MISS", False)

    run(story())


@pytest.mark.parametrize("age", [FRESH + STALE + 1, FRESH + ERROR - 1])
def test_an_old_feed_of_the_agents_is_better_than_a_new_stand_in(age: int) -> None:
    """It stays, and is given until it is too old even for that."""

    async def story() -> None:
        with World() as world:
            good = await world.ask("/v1/feed/42")
            world.api.headers = STAND_IN
            world.time.now += age
            for _ in range(3):
                old = await world.ask("/v1/feed/42")
                assert (old["x-cache"], old.body) == ("STALE", good.body)
            assert len(world.api.asked) == 2, "the next try comes a second later"
            world.time.now += ERROR
            given = await world.ask("/v1/feed/42")
            assert given["x-feed-reason"] == "vectors"

    run(story())


def test_a_refresh_in_the_background_that_brings_a_stand_in_changes_nothing() -> None:
    """The old feed is given on."""

    async def story() -> None:
        with World() as world:
            good = await world.ask("/v1/feed/42")
            world.api.headers = STAND_IN
            world.time.now += FRESH + 1
            await world.ask("/v1/feed/42")
            await let_others_run()
            assert (await world.ask("/v1/feed/42")).body == good.body
            world.time.now += 2
            world.api.headers = {}
            await world.ask("/v1/feed/42")
            await let_others_run()
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "HIT-L1"

    run(story())


def test_an_exercise_of_a_lower_tier_is_kept_like_any_feed() -> None:
    """Nothing is wrong, so there is nothing to wait for."""

    async def story() -> None:
        with World() as world:
            world.api.headers = {"x-feed-tier": "simple", "x-feed-reason": "exercise"}
            await world.ask("/v1/feed/42")
            world.time.now += 200
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "HIT-L1"

    run(story())


def test_batch_work_has_flights_of_its_own() -> None:
    """The API may refuse it, and no reader who asks at the same moment is to share that."""

    async def story() -> None:
        with World() as world:
            await world.ask("/v1/feed/42", headers={"Priority": "u=7"})
            await world.ask("/v1/feed/43", headers={"Priority": "u=3, i"})
            batch, live = (dict(asked["headers"]) for asked in world.api.asked)
            assert batch[b"priority"] == b"u=7"
            assert b"priority" not in live
            assert (await world.ask("/v1/feed/42"))["x-cache"] == "HIT-L1"

    run(story())
