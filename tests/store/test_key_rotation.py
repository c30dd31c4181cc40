"""A rotated key hands over name, plan, scopes and lifetime, and all of it happens or nothing."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from tests.store.opened import AnyConnection, on, with_pool

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.core.errors import NotReadyError
from opsctl.store.api_keys import (
    ApiKey,
    create_key,
    draw_key,
    find_key,
    hash_of,
    list_keys,
    prefix_of,
    revoke_key,
)
from opsctl.store.key_rotation import (
    NoRotation,
    NotRotatableError,
    Rotation,
    find_rotation,
    lifetime_of,
    obstacle,
    rotate_key,
)

HOUR = timedelta(hours=1)
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
stack = pytest.mark.stack


async def rotated(connection: AnyConnection, prefix: str, **options: bool) -> Rotation:
    """Rotate a key that is there, with an overlap of an hour."""
    done = await rotate_key(connection, prefix, fresh=draw_key(), overlap=HOUR, **options)
    assert done is not None
    return done


def key(*, expires_at: datetime | None = None, revoked_at: datetime | None = None) -> ApiKey:
    """Return a key that was made at noon."""
    return ApiKey(
        prefix="abcdefgh",
        hash=32 * b"x",
        name="n",
        plan="free",
        scopes=(),
        created_at=NOON,
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=None,
    )


@pytest.mark.parametrize(
    ("old", "successor", "expected"),
    [
        (key(), None, None),
        (key(expires_at=NOON + HOUR), None, None),
        (key(revoked_at=NOON), None, NoRotation.REVOKED),
        (key(expires_at=NOON), None, NoRotation.EXPIRED),
        (key(), key(), NoRotation.ROTATED),
        (key(), key(revoked_at=NOON), None),
    ],
)
def test_only_a_key_that_holds_and_has_no_successor_is_rotated(
    old: ApiKey, successor: ApiKey | None, expected: NoRotation | None
) -> None:
    """A successor that was revoked, because it was lost, does not stand in the way of another one."""
    assert obstacle(old, successor=successor, now=NOON) == expected


@stack
def test_the_new_key_is_like_the_old_one_and_lives_as_long(database: DatabaseAddress) -> None:
    """The old one ends after the overlap and names its successor; the new one is good by its hash."""

    async def work(connection: AnyConnection) -> None:
        ends = datetime.now(UTC) + timedelta(days=90)
        before = await create_key(connection, name="shop", plan="bench", scopes=["b", "a"], expires_at=ends)
        done = await rotated(connection, before.record.prefix)
        old, new = done.old, done.made.record
        assert (new.name, new.plan, new.scopes) == ("shop", "bench", ("a", "b"))
        assert lifetime_of(new) == lifetime_of(before.record)
        assert (prefix_of(done.made.key), hash_of(done.made.key)) == (new.prefix, new.hash)
        assert (old.rotated_to, old.revoked_at) == (new.prefix, None)
        assert old.expires_at == new.created_at + HOUR
        assert await list_keys(connection) == [old, new]

    on(database, work)


@stack
def test_a_key_without_an_end_gets_a_successor_without_one(database: DatabaseAddress) -> None:
    """Only the old one ends."""

    async def work(connection: AnyConnection) -> None:
        made = await create_key(connection, name="a", plan="free")
        done = await rotated(connection, made.record.prefix)
        assert done.made.record.expires_at is None
        assert done.old.expires_at is not None

    on(database, work)


@stack
def test_a_key_that_ends_sooner_by_itself_still_does(database: DatabaseAddress) -> None:
    """A rotation never makes a key live longer."""

    async def work(connection: AnyConnection) -> None:
        ends = datetime.now(UTC) + timedelta(minutes=5)
        made = await create_key(connection, name="a", plan="free", expires_at=ends)
        assert (await rotated(connection, made.record.prefix)).old.expires_at == ends

    on(database, work)


@stack
def test_a_dry_run_says_what_would_be_done_and_changes_nothing(database: DatabaseAddress) -> None:
    """It goes the same way, and takes it back."""

    async def work(connection: AnyConnection) -> None:
        made = await create_key(connection, name="a", plan="free")
        done = await rotated(connection, made.record.prefix, is_dry_run=True)
        assert done.old.rotated_to == done.made.record.prefix
        assert await list_keys(connection) == [made.record]

    on(database, work)


@stack
def test_nobodys_key_is_not_rotated(database: DatabaseAddress) -> None:
    """There is nothing that a new key could take the place of."""

    async def work(connection: AnyConnection) -> None:
        assert await rotate_key(connection, "nobodys1", fresh=draw_key(), overlap=HOUR) is None
        assert await list_keys(connection) == []

    on(database, work)


@stack
def test_of_many_who_rotate_one_key_at_once_one_does(database: DatabaseAddress) -> None:
    """The others are told that it is being rotated; there is one new key."""

    async def rotate(database: AsyncDatabase, prefix: str) -> str:
        async with database.connection("rotate") as connection:
            try:
                return (await rotated(connection, prefix)).made.record.prefix
            except NotRotatableError as error:
                return error.reason

    async def work(database: AsyncDatabase) -> None:
        async with database.connection("make") as connection:
            prefix = (await create_key(connection, name="a", plan="free")).record.prefix
        outcomes = await asyncio.gather(*(rotate(database, prefix) for _ in range(8)))
        assert outcomes.count(NoRotation.ROTATED) == 7
        async with database.connection("list") as connection:
            assert len(await list_keys(connection)) == 2

    with_pool(database, work)


@pytest.mark.slow
@stack
def test_a_lost_new_key_is_revoked_and_the_old_one_rotated_again(database: DatabaseAddress) -> None:
    """The third key lives as long as the first was meant to, although the first was cut short."""

    async def work(connection: AnyConnection) -> None:
        ends = datetime.now(UTC) + timedelta(days=90)
        first = await create_key(connection, name="a", plan="free", expires_at=ends)
        lost = await rotated(connection, first.record.prefix)
        await revoke_key(connection, lost.made.record.prefix)
        again = await rotated(connection, first.record.prefix)
        assert again.old.rotated_to == again.made.record.prefix
        assert lifetime_of(again.made.record) == lifetime_of(first.record)
        assert again.old.expires_at == lost.old.expires_at

    on(database, work)


@contextmanager
def dying_before_the_end(address: DatabaseAddress) -> Iterator[None]:
    """Let the connection that rotates a key be ended by the server, after its last statement and before its commit."""
    with connect(address, autocommit=True) as connection:
        connection.execute(
            "create function die() returns trigger language plpgsql as $$ begin"
            " perform pg_terminate_backend(pg_backend_pid()); return null; end $$"
        )
        connection.execute(
            "create constraint trigger die after update on api_keys deferrable initially deferred"
            " for each row when (new.rotated_to is not null) execute function die()"
        )
        yield
        connection.execute("drop trigger die on api_keys")


@stack
def test_a_connection_that_is_lost_before_the_commit_leaves_nothing(database: DatabaseAddress) -> None:
    """No new key, and the old one as it was."""
    made = on(database, lambda connection: create_key(connection, name="a", plan="free"))
    fresh = draw_key()

    async def rotate(connection: AnyConnection) -> object:
        return await rotate_key(connection, made.record.prefix, fresh=fresh, overlap=HOUR)

    with (
        dying_before_the_end(database),
        pytest.raises((NotReadyError, psycopg.OperationalError)),
    ):
        on(database, rotate)

    assert on(database, list_keys) == [made.record]
    assert on(database, lambda each: find_rotation(each, made.record.prefix, fresh=fresh)) is None


@stack
def test_a_rotation_of_which_nobody_heard_is_found_again(database: DatabaseAddress) -> None:
    """By the old key and the very new one; another fresh key was not what it was rotated to."""

    async def work(connection: AnyConnection) -> None:
        made, fresh = await create_key(connection, name="a", plan="free"), draw_key()
        prefix = made.record.prefix
        done = await rotate_key(connection, prefix, fresh=fresh, overlap=HOUR)
        assert await find_rotation(connection, prefix, fresh=fresh) == done
        assert await find_rotation(connection, prefix, fresh=draw_key()) is None
        assert await find_key(connection, fresh.prefix) is not None

    on(database, work)
