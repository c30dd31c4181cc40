"""A key is shown once, kept as a hash, found by its prefix, and revoked for good."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.store.opened import AnyConnection, on, with_pool

from opsctl.clients.postgres import DatabaseAddress
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.store.api_keys import create_key, find_key, hash_of, list_keys, prefix_of, revoke_key, touch_keys

pytestmark = pytest.mark.stack


def test_a_new_key_is_found_by_its_prefix_and_proved_by_its_hash(database: DatabaseAddress) -> None:
    """The database holds nothing from which the key could be told, and neither do texts of it."""

    async def work(connection: AnyConnection) -> None:
        made = await create_key(connection, name="load test", plan="bench", scopes=["write", "read", "read"])
        prefix = prefix_of(made.key)
        assert prefix is not None
        found = await find_key(connection, prefix)
        assert found == made.record
        assert found.hash == hash_of(made.key)
        assert (found.name, found.plan, found.scopes) == ("load test", "bench", ("read", "write"))
        assert (found.expires_at, found.revoked_at, found.last_used_at) == (None, None, None)
        assert made.key not in repr(made)
        stored = await (await connection.execute("select api_keys::text from api_keys")).fetchone()
        assert made.key.rpartition("_")[2] not in str(stored)

    on(database, work)


@pytest.mark.parametrize(
    "text",
    ["", "opk_short_x", "opk_abcdefgh_" + 31 * "x", "opk_abcdefgh_" + 32 * "é", "OPK_abcdefgh_" + 32 * "x"],
)
def test_what_is_no_key_has_no_prefix(text: str) -> None:
    """Such a text is refused before the database is asked."""
    assert prefix_of(text) is None


def test_a_key_is_revoked_once_and_stays_known(database: DatabaseAddress) -> None:
    """The second time there is nothing left to revoke; the record says when it was."""

    async def work(connection: AnyConnection) -> None:
        made = await create_key(connection, name="a", plan="free")
        revoked = await revoke_key(connection, made.record.prefix)
        assert revoked is not None
        assert revoked.revoked_at is not None
        assert await revoke_key(connection, made.record.prefix) is None
        assert await revoke_key(connection, "nobodys1") is None
        assert await find_key(connection, made.record.prefix) == revoked
        assert await find_key(connection, "' or true --") is None

    on(database, work)


def test_an_expiry_in_the_past_is_refused(database: DatabaseAddress) -> None:
    """A key that never worked is a mistake of whoever asked for it."""

    async def work(connection: AnyConnection) -> None:
        await create_key(connection, name="a", plan="free", expires_at=datetime(2020, 1, 1, tzinfo=UTC))

    with pytest.raises(psycopg.errors.CheckViolation):
        on(database, work)


def test_workers_note_the_use_of_the_same_keys_at_once(database: DatabaseAddress) -> None:
    """In whatever order they come, the latest use holds and nobody deadlocks."""
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)

    async def touch(database: AsyncDatabase, prefixes: list[str], number: int) -> None:
        used = {prefix: noon + timedelta(seconds=number) for prefix in (prefixes, prefixes[::-1])[number % 2]}
        async with database.connection("touch") as connection:
            await touch_keys(connection, {**used, "unknown1": noon})

    async def work(database: AsyncDatabase) -> None:
        async with database.connection("make") as connection:
            await touch_keys(connection, {})
            made = [await create_key(connection, name=f"k{n}", plan="free") for n in range(8)]
        prefixes = [each.record.prefix for each in made]
        await asyncio.gather(*(touch(database, prefixes, number) for number in range(20)))
        async with database.connection("list") as connection:
            keys = await list_keys(connection)
        assert [key.name for key in keys] == [f"k{n}" for n in range(8)]
        assert {key.last_used_at for key in keys} == {noon + timedelta(seconds=19)}

    with_pool(database, work)
