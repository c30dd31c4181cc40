"""How does a new key take an old one's place: both hold for a while, and all of it happens or nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from opsctl.store.api_keys import COLUMNS, ApiKey, FreshKey, NewApiKey, hash_of, record_of

if TYPE_CHECKING:
    import psycopg

_LOCK = f"select {COLUMNS}, clock_timestamp() from api_keys where prefix = %s for update"  # noqa: S608 - literals only
_FIND = f"select {COLUMNS} from api_keys where prefix = %s"  # noqa: S608 - literals only
_INSERT = f"""
insert into api_keys (prefix, hash, name, plan, scopes, created_at, expires_at)
values (%s, %s, %s, %s, %s, %s, %s) returning {COLUMNS}
"""  # noqa: S608 - literals only
_END = f"""
update api_keys set expires_at = least(expires_at, %s), rotated_to = %s where prefix = %s returning {COLUMNS}
"""  # noqa: S608 - literals only


class NoRotation(StrEnum):
    """Why a key cannot be rotated."""

    REVOKED = "it was revoked"
    EXPIRED = "its time has passed"
    ROTATED = "it is being rotated already"


class NotRotatableError(Exception):
    """The key is there and cannot be rotated; nothing was changed."""

    def __init__(self, reason: NoRotation, key: ApiKey) -> None:
        super().__init__(f"{key.prefix}: {reason}")
        self.reason = reason
        self.key = key


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A key that was made to take another one's place; `old` is as it is now, with the moment when it ends."""

    made: NewApiKey
    old: ApiKey


async def rotate_key(
    connection: "psycopg.AsyncConnection[Any]",
    prefix: str,
    *,
    fresh: FreshKey,
    overlap: timedelta,
    is_dry_run: bool = False,
) -> Rotation | None:
    """Make `fresh` a key of the same name, plan, scopes and lifetime, and let the old one end after the overlap.

    One transaction; a dry run takes it back. An old key that ends sooner by itself still does. None when there is no
    key of this prefix.

    Raises:
        NotRotatableError: it was revoked, has expired, or another key that still holds takes its place already.
    """
    async with connection.transaction(force_rollback=is_dry_run):
        row = await (await connection.execute(_LOCK, [prefix])).fetchone()
        if row is None:
            return None
        old, now = record_of(row), row[-1]
        successor = await _find(connection, old.rotated_to)
        reason = obstacle(old, successor=successor, now=now)
        if reason is not None:
            raise NotRotatableError(reason, old)
        made = await _insert(connection, fresh, like=old, now=now, lifetime=lifetime_of(successor or old))
        return Rotation(
            made=NewApiKey(key=fresh.key, record=made),
            old=await _end(connection, old, to=made, at=now + overlap),
        )


async def find_rotation(
    connection: "psycopg.AsyncConnection[Any]", prefix: str, *, fresh: FreshKey
) -> Rotation | None:
    """Return the rotation of this key to exactly this fresh one: did it happen, although nobody heard of it?"""
    old, made = await _find(connection, prefix), await _find(connection, fresh.prefix)
    if old is None or made is None or old.rotated_to != made.prefix:
        return None
    return Rotation(made=NewApiKey(key=fresh.key, record=made), old=old)


def obstacle(key: ApiKey, *, successor: ApiKey | None, now: datetime) -> NoRotation | None:
    """Return why a key cannot be rotated; a successor that was revoked is no reason, so a lost new key can be replaced."""
    if key.revoked_at is not None:
        return NoRotation.REVOKED
    if key.expires_at is not None and key.expires_at <= now:
        return NoRotation.EXPIRED
    if successor is not None and successor.revoked_at is None:
        return NoRotation.ROTATED
    return None


def lifetime_of(key: ApiKey) -> timedelta | None:
    """Return how long a key was meant to live; None for ever. Of a rotated one its successor knows."""
    return None if key.expires_at is None else key.expires_at - key.created_at


async def _find(connection: "psycopg.AsyncConnection[Any]", prefix: str | None) -> ApiKey | None:
    row = await (await connection.execute(_FIND, [prefix])).fetchone()
    return record_of(row) if row else None


async def _insert(
    connection: "psycopg.AsyncConnection[Any]",
    fresh: FreshKey,
    *,
    like: ApiKey,
    now: datetime,
    lifetime: timedelta | None,
) -> ApiKey:
    ends = None if lifetime is None else _later(now, lifetime)
    values = [fresh.prefix, hash_of(fresh.key), like.name, like.plan, list(like.scopes), now, ends]
    return await _only(connection, _INSERT, values)


def _later(now: datetime, lifetime: timedelta) -> datetime:
    try:
        return now + lifetime
    except OverflowError:  # one that was to last to the end of the calendar still is
        return datetime.max.replace(tzinfo=UTC)


async def _end(
    connection: "psycopg.AsyncConnection[Any]", old: ApiKey, *, to: ApiKey, at: datetime
) -> ApiKey:
    return await _only(connection, _END, [at, to.prefix, old.prefix])


async def _only(connection: "psycopg.AsyncConnection[Any]", statement: Any, values: list[Any]) -> ApiKey:
    row = await (await connection.execute(statement, values)).fetchone()
    if row is None:
        raise AssertionError("the statement returns its row")
    return record_of(row)
