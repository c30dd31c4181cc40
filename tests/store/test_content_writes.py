"""The service writes single items, each with its outbox row, and reads the facts of many."""

from dataclasses import replace

import pytest
from tests.store.opened import AnyConnection, on

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.store.content_writes import (
    NewContent,
    NoSuchVendorError,
    delete_content,
    read_content,
    read_facts,
    upsert_content,
)

pytestmark = pytest.mark.stack

_VALUES = NewContent(
    vendor_id=1,
    title="a barn",
    description="for hire",
    region="AU",
    district="Perth",
    category="venue",
    tags=("byo", "parking"),
    price_usd=1200.5,
    quality=0.75,
    status="published",
)


@pytest.fixture
def catalogue(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database with one vendor."""
    with connect(database) as connection:
        connection.execute("insert into vendors (id, name) values (1, 'studio')")
    return database


def _operations(address: DatabaseAddress) -> list[tuple[int, str]]:
    with connect(address) as connection:
        return connection.execute("select aggregate_id, operation from outbox order by sequence").fetchall()


def test_an_item_is_new_then_replaced_then_unchanged_then_gone(catalogue: DatabaseAddress) -> None:
    """Each change is one outbox row; writing the same again is none."""

    async def work(connection: AnyConnection) -> None:
        written, is_new = await upsert_content(connection, 5, _VALUES)
        assert is_new
        assert (written.id, written.title, written.tags, written.price_usd) == (
            5,
            "a barn",
            ("byo", "parking"),
            1200.5,
        )
        assert await read_content(connection, 5) == written

        changed, is_new = await upsert_content(
            connection, 5, replace(_VALUES, title="a loft", price_usd=None)
        )
        assert not is_new
        assert (changed.title, changed.price_usd) == ("a loft", None)
        assert changed.updated_at > written.updated_at

        again, is_new = await upsert_content(connection, 5, replace(_VALUES, title="a loft", price_usd=None))
        assert (again, is_new) == (changed, False)

        assert await delete_content(connection, 5) is True
        assert await delete_content(connection, 5) is False
        assert await read_content(connection, 5) is None

    on(catalogue, work)

    assert _operations(catalogue) == [(5, "upsert"), (5, "upsert"), (5, "delete")]


def test_an_unknown_vendor_is_told_and_nothing_is_written(catalogue: DatabaseAddress) -> None:
    """The connection can be used afterwards."""

    async def work(connection: AnyConnection) -> None:
        with pytest.raises(NoSuchVendorError) as caught:
            await upsert_content(connection, 5, replace(_VALUES, vendor_id=99))
        assert caught.value.vendor_id == 99
        assert await read_content(connection, 5) is None

    on(catalogue, work)

    assert _operations(catalogue) == []


def test_facts_are_those_of_published_items(catalogue: DatabaseAddress) -> None:
    """Drafts and unknown ids are left out."""

    async def work(connection: AnyConnection) -> list[int]:
        await upsert_content(connection, 1, _VALUES)
        await upsert_content(connection, 2, replace(_VALUES, status="draft"))
        facts = await read_facts(connection, [1, 2, 3])
        stored = await read_content(connection, 1)
        assert stored is not None
        assert (facts[1].title, facts[1].tags, facts[1].price_usd) == ("a barn", ("byo", "parking"), 1200.5)
        assert 0 <= stored.updated_at.timestamp() - facts[1].created_seconds < 60
        return sorted(facts)

    assert on(catalogue, work) == [1]


def test_hostile_strings_are_values_and_nothing_else(catalogue: DatabaseAddress) -> None:
    """SQL in a title, a tag or a region comes back as it was."""
    hostile = "'); delete from content; -- %s {} \\ \u0000".rstrip("\u0000")

    async def work(connection: AnyConnection) -> None:
        values = replace(_VALUES, title=hostile, region=hostile, tags=(hostile, '{"a,b"}'))
        written, _ = await upsert_content(connection, 1, values)
        assert (written.title, written.region, written.tags) == (hostile, hostile, (hostile, '{"a,b"}'))

    on(catalogue, work)
