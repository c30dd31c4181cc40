"""What every service behind the API does, the one in memory and the real one alike."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.contracts.service_ports import FACTORIES, ServicePorts
from tests.fakes.service_ports import example_content

from opsctl.service.api.ports import UnknownChoiceError, UnknownVendorError
from opsctl.service.model import Feed, FeedRequest
from opsctl.store.readers import NewInteraction

Scenario = Callable[[ServicePorts], Awaitable[None]]
Play = Callable[[Scenario], None]


@pytest.fixture(params=sorted(FACTORIES))
def play(request: pytest.FixtureRequest) -> Play:
    """Give a function that plays a scenario with a fresh service, all in one event loop."""

    def run(scenario: Scenario) -> None:
        async def whole() -> None:
            async with FACTORIES[request.param](request) as ports:
                await scenario(ports)

        asyncio.run(whole())

    return run


def did(key: str, content_id: int, *, kind: str = "save", user_id: int = 42, **more: Any) -> NewInteraction:
    """Return an interaction of a minute ago."""
    return NewInteraction(
        idempotency_key=key,
        kind=kind,
        user_id=user_id,
        content_id=content_id,
        occurred_at=datetime.now(UTC) - timedelta(minutes=1),
        **more,
    )


async def fill(ports: ServicePorts, *, items: int = 12) -> None:
    """Write items: odd ones in Queens, every third of photo, the last one a draft."""
    for number in range(1, items + 1):
        await ports.contents.write(
            number,
            example_content(
                vendor_id=ports.vendor_ids[number % 2],
                title=f"Studio {number}",
                region=("Brooklyn", "Queens")[number % 2],
                category="photo" if number % 3 == 0 else "print",
                quality=number / 100,
                status="draft" if number == items else "published",
            ),
        )
    await ports.settle()


def ids(feed: Feed) -> list[int]:
    """Return the items of a feed."""
    return [item.content_id for item in feed.items]


@pytest.mark.slow
def test_what_was_written_is_read(play: Play) -> None:
    """All of it, by its id, and with the moment of the write."""

    async def scenario(ports: ServicePorts) -> None:
        new = example_content(vendor_id=ports.vendor_ids[0], price_usd=12.34, district="Gowanus")
        stored, is_new = await ports.contents.write(7, new)

        assert is_new
        assert await ports.contents.read(7) == stored
        assert (stored.id, stored.title, stored.description) == (7, new.title, new.description)
        assert (stored.region, stored.district, stored.category) == (new.region, "Gowanus", new.category)
        assert (stored.tags, stored.status) == (("letterpress", "paper"), "published")
        assert stored.price_usd == pytest.approx(12.34)
        assert stored.quality == pytest.approx(0.875)
        assert stored.updated_at.utcoffset() is not None

    play(scenario)


@pytest.mark.slow
def test_a_second_write_replaces_everything(play: Play) -> None:
    """It is not new, and nothing of the first one stays."""

    async def scenario(ports: ServicePorts) -> None:
        first, second = ports.vendor_ids
        await ports.contents.write(7, example_content(vendor_id=first, district="Gowanus"))
        new = example_content(
            vendor_id=second, title="Another", district=None, tags=(), price_usd=None, status="archived"
        )
        stored, is_new = await ports.contents.write(7, new)

        assert not is_new
        assert (stored.vendor_id, stored.title, stored.district) == (second, "Another", None)
        assert (stored.tags, stored.price_usd, stored.status) == ((), None, "archived")

    play(scenario)


def test_writing_the_same_again_gives_the_stored_row(play: Play) -> None:
    """A database that drops updates without effect must still answer with the row."""

    async def scenario(ports: ServicePorts) -> None:
        new = example_content(vendor_id=ports.vendor_ids[0])
        first, _ = await ports.contents.write(7, new)
        again, is_new = await ports.contents.write(7, new)

        assert not is_new
        assert again.title == first.title

    play(scenario)


def test_an_item_needs_a_vendor_that_exists(play: Play) -> None:
    """Nothing is written otherwise."""

    async def scenario(ports: ServicePorts) -> None:
        with pytest.raises(UnknownVendorError) as error:
            await ports.contents.write(7, example_content(vendor_id=10**12))

        assert error.value.vendor_id == 10**12
        assert await ports.contents.read(7) is None

    play(scenario)


@pytest.mark.slow
def test_an_item_can_be_removed_once(play: Play) -> None:
    """The second time it was not there; nor is it to be read."""

    async def scenario(ports: ServicePorts) -> None:
        await ports.contents.write(7, example_content(vendor_id=ports.vendor_ids[0]))

        assert await ports.contents.delete(7)
        assert not await ports.contents.delete(7)
        assert await ports.contents.read(7) is None
        assert await ports.contents.read(2**63 - 1) is None

    play(scenario)


@pytest.mark.slow
def test_each_interaction_counts_once(play: Play) -> None:
    """By its key, whatever else it says."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        first = await ports.interactions.record([did("a", 1), did("b", 2)])
        second = await ports.interactions.record([did("b", 3, kind="hide"), did("c", 1, user_id=43)])

        assert (set(first.accepted), first.repeated, first.unknown_content) == ({"a", "b"}, (), ())
        assert (second.accepted, second.repeated, second.unknown_content) == (("c",), ("b",), ())

    play(scenario)


@pytest.mark.slow
def test_of_a_key_twice_in_one_batch_the_first_holds(play: Play) -> None:
    """It is accepted and repeated; one of an item that is not there is unknown and repeated."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        recorded = await ports.interactions.record([did("a", 1), did("x", 900), did("a", 2), did("x", 900)])

        assert (recorded.accepted, recorded.unknown_content) == (("a",), ("x",))
        assert set(recorded.repeated) == {"a", "x"}

    play(scenario)


@pytest.mark.slow
def test_an_interaction_with_no_item_is_not_kept(play: Play) -> None:
    """The others of its batch are; once the item is there, the same key is accepted."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        first = await ports.interactions.record([did("a", 900), did("b", 1)])
        await ports.contents.write(900, example_content(vendor_id=ports.vendor_ids[0]))
        second = await ports.interactions.record([did("a", 900)])

        assert (first.accepted, first.unknown_content) == (("b",), ("a",))
        assert second.accepted == ("a",)

    play(scenario)


@pytest.mark.slow
def test_every_kind_of_interaction_is_taken(play: Play) -> None:
    """So is one that names a feed which nobody has logged."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        kinds = ("view", "click", "save", "share", "inquiry", "purchase", "hide")
        batch = [did(kind, 1, kind=kind, feed_id="no-such-feed") for kind in kinds]

        assert set((await ports.interactions.record(batch)).accepted) == set(kinds)

    play(scenario)


@pytest.mark.slow
def test_a_feed_holds_distinct_published_items_up_to_the_limit(play: Play) -> None:
    """For whomever it is, known or not; scores are finite and agents are named."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        feed = await ports.feeds.build(FeedRequest(user_id=987_654, limit=5))
        whole = await ports.feeds.build(FeedRequest(user_id=42, limit=50))

        assert (feed.user_id, len(feed.items)) == (987_654, 5)
        assert len(set(ids(whole))) == len(ids(whole))
        assert set(ids(whole)) <= set(range(1, 12))
        assert feed.feed_id != whole.feed_id
        assert all(math.isfinite(item.score) for item in whole.items)
        assert feed.propensity is None or 0 < feed.propensity <= 1

    play(scenario)


@pytest.mark.slow
def test_a_feed_keeps_to_region_and_category(play: Play) -> None:
    """Nothing else is in it, and it is not empty while something fits."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        feed = await ports.feeds.build(FeedRequest(user_id=42, limit=20, region="Queens", category="photo"))

        assert set(ids(feed)) <= {3, 9}
        assert feed.items
        assert {(item.region, item.category) for item in feed.items} == {("Queens", "photo")}

    play(scenario)


@pytest.mark.slow
@pytest.mark.parametrize("field", ["region", "category"])
def test_an_unknown_choice_is_named_with_those_there_are(play: Play, field: str) -> None:
    """Of feeds and of what is popular alike."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        asked: dict[str, Any] = {"region": None, "category": None} | {field: "Atlantis"}
        for ask in (
            lambda: ports.feeds.build(FeedRequest(user_id=42, limit=20, **asked)),
            lambda: ports.feeds.trending(limit=5, **asked),
        ):
            with pytest.raises(UnknownChoiceError) as error:
                await ask()
            assert (error.value.field, error.value.value) == (field, "Atlantis")
            assert (
                set(error.value.choices)
                == {"region": {"Brooklyn", "Queens"}, "category": {"photo", "print"}}[field]
            )

    play(scenario)


@pytest.mark.slow
def test_what_was_removed_is_in_no_feed(play: Play) -> None:
    """Nor among what is popular."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        await ports.contents.delete(1)
        await ports.settle()

        assert 1 not in ids(await ports.feeds.build(FeedRequest(user_id=42, limit=50)))
        popular = await ports.feeds.trending(region=None, category=None, limit=50)
        assert 1 not in [item.content_id for item in popular]

    play(scenario)


@pytest.mark.slow
def test_what_is_popular_is_best_first_and_as_asked(play: Play) -> None:
    """Scores fall; region, category and limit hold; drafts are left out."""

    async def scenario(ports: ServicePorts) -> None:
        await fill(ports)
        await ports.interactions.record([did(str(user), 4, user_id=user) for user in range(1, 30)])
        everything = await ports.feeds.trending(region=None, category=None, limit=50)
        some = await ports.feeds.trending(region="Brooklyn", category="print", limit=2)

        scores = [item.score for item in everything]
        assert scores == sorted(scores, reverse=True)
        assert 12 not in [item.content_id for item in everything]
        assert 0 < len(some) <= 2
        assert {(item.region, item.category) for item in some} == {("Brooklyn", "print")}

    play(scenario)
