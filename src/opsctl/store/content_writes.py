"""How does the service read and write single items, and the facts of many at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import psycopg

_COLUMNS = """id, vendor_id, title, description, region, district, category, tags, price_usd::float8,
    quality::float8, status, updated_at"""
_READ = f"select {_COLUMNS} from content where id = %s"  # noqa: S608 - literals only
_FACTS = """
select id, vendor_id, title, description, region, category, tags, price_usd::float8, quality::float8,
    date_part('epoch', created_at)
from content where id = any(%s::bigint[]) and status = 'published'
"""
# An update without a change is dropped by a trigger and does not come back from `returning`.
_INSERT_OR_UPDATE = """
insert into content (id, vendor_id, title, description, region, district, category, tags, price_usd, quality, status)
values (%(id)s, %(vendor_id)s, %(title)s, %(description)s, %(region)s, %(district)s, %(category)s, %(tags)s,
    %(price_usd)s, %(quality)s, %(status)s)
on conflict (id) do update set
    vendor_id = excluded.vendor_id, title = excluded.title, description = excluded.description,
    region = excluded.region, district = excluded.district, category = excluded.category, tags = excluded.tags,
    price_usd = excluded.price_usd, quality = excluded.quality, status = excluded.status
"""
_UPSERT = f"{_INSERT_OR_UPDATE} returning {_COLUMNS}, (xmax = 0)"
_DELETE = "delete from content where id = %s"


class NoSuchVendorError(Exception):
    """There is no vendor of this id."""

    def __init__(self, vendor_id: int) -> None:
        super().__init__(f"there is no vendor {vendor_id}")
        self.vendor_id = vendor_id


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContent:
    """What a client writes of an item."""

    vendor_id: int
    title: str
    description: str
    region: str
    district: str | None
    category: str
    tags: tuple[str, ...]
    price_usd: float | None
    quality: float
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content(NewContent):
    """One item as it stands in the database now, published or not."""

    id: int
    updated_at: datetime


class ItemFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What ranking, scoring and a feed must know of a published item; times are seconds since 1970.

    No dataclass: a feed reads a hundred of them, and L2 keeps them as they are.
    """

    content_id: int
    vendor_id: int
    title: str
    description: str
    region: str
    category: str
    tags: tuple[str, ...]
    price_usd: float | None
    quality: float
    created_seconds: float


async def read_content(connection: "psycopg.AsyncConnection[Any]", content_id: int) -> Content | None:
    """Return an item; None when there is none."""
    row = await (await connection.execute(_READ, [content_id])).fetchone()
    return _stored(row) if row else None


async def read_facts(
    connection: "psycopg.AsyncConnection[Any]", ids: Sequence[int]
) -> Mapping[int, ItemFacts]:
    """Return the facts of those of these items that are published, by id."""
    # psycopg takes eighty microseconds to write a list of a hundred numbers down
    wanted = f"{{{','.join(map(str, map(int, ids)))}}}"
    rows = await connection.execute(_FACTS, [wanted], binary=True)
    return {row[0]: _facts(row) for row in await rows.fetchall()}


async def upsert_content(
    connection: "psycopg.AsyncConnection[Any]", content_id: int, values: NewContent
) -> tuple[Content, bool]:
    """Insert or replace an item in one transaction with its outbox row; tell whether it is new.

    Raises:
        NoSuchVendorError: there is no such vendor; nothing was written.
    """
    import psycopg

    given = {name: getattr(values, name) for name in NewContent.__slots__}
    given |= {"id": content_id, "tags": list(values.tags)}
    try:
        async with connection.transaction():
            row = await (await connection.execute(_UPSERT, given)).fetchone()
            if row is not None:
                return _stored(row), row[12]
            unchanged = await read_content(connection, content_id)
    except psycopg.errors.ForeignKeyViolation as error:
        raise NoSuchVendorError(values.vendor_id) from error
    if unchanged is None:
        raise AssertionError("the row was locked by the upsert, so it is there")
    return unchanged, False


async def delete_content(connection: "psycopg.AsyncConnection[Any]", content_id: int) -> bool:
    """Remove an item; tell whether it was there."""
    return (await connection.execute(_DELETE, [content_id])).rowcount == 1


def _stored(row: tuple[Any, ...]) -> Content:
    return Content(
        id=row[0],
        vendor_id=row[1],
        title=row[2],
        description=row[3],
        region=row[4],
        district=row[5],
        category=row[6],
        tags=tuple(row[7]),
        price_usd=row[8],
        quality=row[9],
        status=row[10],
        updated_at=row[11],
    )


def _facts(row: tuple[Any, ...]) -> ItemFacts:
    return ItemFacts(
        content_id=row[0],
        vendor_id=row[1],
        title=row[2],
        description=row[3],
        region=row[4],
        category=row[5],
        tags=tuple(row[6]),
        price_usd=row[7],
        quality=row[8],
        created_seconds=row[9],
    )
