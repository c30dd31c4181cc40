"""A decision waits for its reward until its window is over, is rewarded once, and is removed later."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests.store.opened import AnyConnection, on, with_pool

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.store.decisions import (
    Decision,
    close_again,
    close_decisions,
    due_decisions,
    insert_decisions,
    late_decisions,
    pending_decisions,
    prune_decisions,
    read_decision,
)
from opsctl.store.readers import NewInteraction, record_interactions

pytestmark = pytest.mark.stack

_NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
_DAY = timedelta(days=1)
_DECISION = Decision(
    feed_id="f1",
    user_id=7,
    decided_at=_NOON,
    content_ids=(3, 1, 2),
    explored=(1,),
    bucket="regular|AU",
    arm="fresh",
    propensity=0.1 + 0.2,
    arms_version=4,
    policy_version=9,
    logits={"quality": 1 / 3, "discovery": -0.1},
    context=(1.0, 0.7),
    replay='{"seed": 1}',
)


@pytest.fixture
def catalogue(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database with five items."""
    with connect(database) as connection:
        connection.execute("insert into vendors (id, name) values (1, 'studio')")
        connection.execute(
            "insert into content (id, vendor_id, title, region, category, quality) "
            "select n, 1, 'item', 'AU', 'venue', 0.5 from generate_series(1, 5) as n"
        )
    return database


def _reaction(
    content_id: int, kind: str, *, feed_id: str = "f1", user_id: int = 7, hours: int = 1
) -> NewInteraction:
    return NewInteraction(
        idempotency_key=f"{feed_id} {user_id} {content_id} {kind}",
        kind=kind,
        user_id=user_id,
        content_id=content_id,
        occurred_at=_NOON + timedelta(hours=hours),
        feed_id=feed_id,
    )


def test_a_decision_comes_back_as_it_was_logged(database: DatabaseAddress) -> None:
    """Every float is the same bit for bit, and arrays of different lengths go in one batch."""
    bare = Decision(feed_id="f2", user_id=1, decided_at=_NOON, content_ids=())

    async def work(connection: AnyConnection) -> None:
        assert await insert_decisions(connection, [_DECISION, bare]) == 2
        assert await insert_decisions(connection, [_DECISION]) == 0
        assert await insert_decisions(connection, []) == 0
        assert await read_decision(connection, "f1") == _DECISION
        assert await read_decision(connection, "f2") == bare
        assert await read_decision(connection, "f3") is None
        assert await pending_decisions(connection) == 2

    on(database, work)


def test_only_reactions_of_its_reader_to_its_items_within_its_window_count(
    catalogue: DatabaseAddress,
) -> None:
    """Another reader, another feed, an item that was not shown, and a late reaction are left out."""
    batch = [
        _reaction(1, "click"),
        _reaction(3, "view", hours=0),
        _reaction(4, "save"),
        _reaction(2, "save", user_id=8),
        _reaction(2, "share", feed_id="other"),
        _reaction(2, "purchase", hours=25),
    ]

    async def work(connection: AnyConnection) -> None:
        await insert_decisions(
            connection, [_DECISION, replace(_DECISION, feed_id="f2", decided_at=_NOON + _DAY)]
        )
        await record_interactions(connection, batch)
        await connection.execute("update interactions set received_at = occurred_at")
        due = await due_decisions(connection, now=_NOON + _DAY, window=_DAY, limit=10)
        assert [(each.decision, each.reactions) for each in due] == [(_DECISION, ((3, "view"), (1, "click")))]

    on(catalogue, work)


def test_what_arrives_while_a_decision_is_closed_counts_once(catalogue: DatabaseAddress) -> None:
    """Received after the moment of closing but before the look: not known then, late afterwards, and only one time."""
    closing, later = _NOON + 2 * _DAY, _NOON + 3 * _DAY

    async def work(connection: AnyConnection) -> None:
        await insert_decisions(connection, [_DECISION])
        await record_interactions(connection, [_reaction(1, "save")])
        await connection.execute("update interactions set received_at = %s", [closing + timedelta(seconds=1)])
        (due,) = await due_decisions(connection, now=closing, window=_DAY, limit=10)
        await close_decisions(connection, {"f1": 0.0}, now=closing)
        look = partial(late_decisions, connection, closed_after=_NOON, window=_DAY, limit=10)
        (late,) = await look(now=later)
        await close_again(connection, {"f1": 0.5}, now=later)
        again = await look(now=later + _DAY)
        assert (due.reactions, late.known_then, late.reactions) == ((), (), ((1, "save"),))
        assert again == []

    on(catalogue, work)


def test_two_learners_never_take_the_same_decision(database: DatabaseAddress) -> None:
    """What one has in its transaction is left out for the other; afterwards it is closed for both."""
    later = _NOON + 2 * _DAY

    async def work(database: AsyncDatabase) -> None:
        async with database.connection("log") as connection:
            await insert_decisions(connection, [replace(_DECISION, feed_id=f"f{n}") for n in range(4)])
        async with database.connection("one") as one, database.connection("two") as two:
            async with one.transaction():
                taken = await due_decisions(one, now=later, window=_DAY, limit=3)
                left = await due_decisions(two, now=later, window=_DAY, limit=3)
                rewards = {each.decision.feed_id: 0.5 for each in taken}
                assert await close_decisions(one, rewards, now=later) == 3
            assert len(left) == 1
            assert {*rewards, left[0].decision.feed_id} == {"f0", "f1", "f2", "f3"}
            assert await close_decisions(two, rewards, now=later) == 0
            assert await pending_decisions(two) == 1

    with_pool(database, work)


def test_old_decisions_are_removed_in_small_batches_and_open_ones_stay(database: DatabaseAddress) -> None:
    """Five of six are closed; they go two by two."""

    async def work(connection: AnyConnection) -> None:
        await insert_decisions(connection, [replace(_DECISION, feed_id=f"f{n}") for n in range(6)])
        await close_decisions(connection, {f"f{n}": 1.0 for n in range(5)}, now=_NOON)
        removed = [await prune_decisions(connection, closed_before=_NOON + _DAY, limit=2) for _ in range(4)]
        assert removed == [2, 2, 1, 0]
        assert await pending_decisions(connection) == 1

    on(database, work)
