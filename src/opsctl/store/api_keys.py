"""Who may call the service: keys of which only a hash is kept, found by their prefix."""

import hashlib
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_ALPHABET = string.ascii_letters + string.digits
_PREFIX_LENGTH = 8
_SECRET_LENGTH = 32  # 62^32 is 190 bits
_FORM = re.compile(rf"opk_(?P<prefix>[A-Za-z0-9]{{{_PREFIX_LENGTH}}})_[A-Za-z0-9]{{{_SECRET_LENGTH}}}")

COLUMNS = "prefix, hash, name, plan, scopes, created_at, expires_at, revoked_at, last_used_at, rotated_to"
"""What `record_of` reads, in this order."""
_SELECT = f"select {COLUMNS} from api_keys"  # noqa: S608 - literals only
_INSERT = (
    "insert into api_keys (prefix, hash, name, plan, scopes, expires_at) values (%s, %s, %s, %s, %s, %s)"
)
_SET_REVOKED = """
update api_keys set revoked_at = greatest(clock_timestamp(), created_at) where prefix = %s and revoked_at is null
"""
_CREATE = f"{_INSERT} returning {COLUMNS}"
_REVOKE = f"{_SET_REVOKED} returning {COLUMNS}"
_FIND = f"{_SELECT} where prefix = %s"
_LIST = f"{_SELECT} order by created_at, id"
_REMOVE = "delete from api_keys where name = %s and (prefix = any(%s) or expires_at <= clock_timestamp())"
# In the order of the prefixes: two workers that note the same keys wait for each other instead of deadlocking.
_TOUCH = """
with used as (
    select api_keys.id, each.used_at
    from unnest(%s::text[], %s::timestamptz[]) as each (prefix, used_at)
    join api_keys using (prefix) order by prefix for update of api_keys
)
update api_keys set last_used_at = greatest(last_used_at, used.used_at) from used where api_keys.id = used.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key; the key itself is not."""

    prefix: str
    hash: bytes = field(repr=False)
    name: str
    plan: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    rotated_to: str | None = None
    """Prefix of the key that takes its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshKey:
    """A key that was just drawn and that the database does not know yet."""

    key: str = field(repr=False)
    prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key that was just made; `key` is shown to its owner once and kept nowhere."""

    key: str = field(repr=False)
    record: ApiKey


def prefix_of(key: str) -> str | None:
    """Return the prefix by which a key is found; None for a text that is no key.

    >>> prefix_of("opk_abcdefgh_" + 32 * "x")
    'abcdefgh'
    """
    match = _FORM.fullmatch(key)
    return match["prefix"] if match else None


def hash_of(key: str) -> bytes:
    """Return the SHA-256 of a whole key; it has 190 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(key.encode()).digest()


def draw_key() -> FreshKey:
    """Draw a key at random."""
    prefix, secret = _random(_PREFIX_LENGTH), _random(_SECRET_LENGTH)
    return FreshKey(key=f"opk_{prefix}_{secret}", prefix=prefix)


async def create_key(
    connection: "psycopg.AsyncConnection[Any]",
    *,
    name: str,
    plan: str,
    scopes: Sequence[str] = (),
    expires_at: datetime | None = None,
    drawn: FreshKey | None = None,
) -> NewApiKey:
    """Make a key and keep its hash; whoever has to find it again, however this ends, gives one that is `drawn` already."""
    fresh = drawn or draw_key()
    values = [fresh.prefix, hash_of(fresh.key), name, plan, sorted(set(scopes)), expires_at]
    row = await (await connection.execute(_CREATE, values)).fetchone()
    if row is None:
        raise AssertionError("an insert returns its row")
    return NewApiKey(key=fresh.key, record=record_of(row))


async def find_key(connection: "psycopg.AsyncConnection[Any]", prefix: str) -> ApiKey | None:
    """Return what is known of the key with this prefix, revoked or expired ones included; None for nobody's."""
    row = await (await connection.execute(_FIND, [prefix])).fetchone()
    return record_of(row) if row else None


async def list_keys(connection: "psycopg.AsyncConnection[Any]") -> Sequence[ApiKey]:
    """Return all keys, the oldest first."""
    return [record_of(row) async for row in await connection.execute(_LIST)]


async def revoke_key(connection: "psycopg.AsyncConnection[Any]", prefix: str) -> ApiKey | None:
    """Revoke a key and return it; None when there is none with this prefix that still holds."""
    row = await (await connection.execute(_REVOKE, [prefix])).fetchone()
    return record_of(row) if row else None


async def remove_keys(
    connection: "psycopg.AsyncConnection[Any]", prefixes: Sequence[str], *, name: str
) -> None:
    """Remove keys that somebody made for a moment under this name, and those that an earlier moment left, expired."""
    await connection.execute(_REMOVE, [name, list(prefixes)])


async def touch_keys(connection: "psycopg.AsyncConnection[Any]", used_at: Mapping[str, datetime]) -> None:
    """Note when keys were last used, by prefix."""
    if used_at:
        await connection.execute(_TOUCH, [list(used_at), list(used_at.values())])


def record_of(row: tuple[Any, ...]) -> ApiKey:
    """Return the key of a row of `COLUMNS`; what stands after them is passed over."""
    return ApiKey(
        prefix=row[0],
        hash=bytes(row[1]),
        name=row[2],
        plan=row[3],
        scopes=tuple(row[4]),
        created_at=row[5],
        expires_at=row[6],
        revoked_at=row[7],
        last_used_at=row[8],
        rotated_to=row[9],
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
