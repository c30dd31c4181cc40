"""What does the catalogue hold: bulk upsert of items, their current rows, and counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.store.items import NewItem

if TYPE_CHECKING:
    import psycopg

# Made anew in each transaction, so it also works through a transaction pooler.
_INCOMING = """
create temporary table incoming (
    external_id text, vendor_external_id text, vendor_name text, title text, description text, region text,
    district text, category text, tags text[], price_usd numeric(12, 2), quality real, created_at timestamptz
) on commit drop
"""
_COPY = """
copy incoming (external_id, vendor_external_id, vendor_name, title, description, region, district, category, tags,
    price_usd, quality, created_at) from stdin
"""
# Rows are written in one order everywhere: two imports at once then wait for each other instead of deadlocking.
_UPSERT_VENDORS = """
insert into vendors (source, external_id, name, region)
select distinct on (vendor_external_id) %(source)s, vendor_external_id, vendor_name, region
from incoming order by vendor_external_id
on conflict (source, external_id) do update set name = excluded.name, region = excluded.region
"""
# An update without a change is dropped by a trigger and does not come back from `returning`.
_UPSERT_CONTENT = """
with written as (
    insert into content (source, external_id, vendor_id, title, description, region, district, category, tags,
        price_usd, quality, created_at)
    select %(source)s, incoming.external_id, vendors.id, title, description, incoming.region, nullif(district, ''),
        category, tags, price_usd, quality, coalesce(incoming.created_at, clock_timestamp())
    from incoming
    join vendors on vendors.source = %(source)s and vendors.external_id = incoming.vendor_external_id
    order by incoming.external_id
    on conflict (source, external_id) do update set
        vendor_id = excluded.vendor_id, title = excluded.title, description = excluded.description,
        region = excluded.region, district = excluded.district, category = excluded.category, tags = excluded.tags,
        price_usd = excluded.price_usd, quality = excluded.quality
    returning (xmax = 0) as is_new
)
select count(*) filter (where is_new), count(*) filter (where not is_new) from written
"""
# Clients of the service choose ids themselves, so the sequence may run into theirs. It is drawn past those that are near
# and in the way: never set, which could set back what another import has drawn, and never to the largest id, which a
# client may have chosen next to the end of all numbers.
_IN_THE_WAY = """
select max(content.id) - next.id + 1
from content, (select last_value + is_called::int as id from content_id_seq) as next
where content.id >= next.id and content.id < next.id + greatest(%(needed)s::bigint, %(near)s)
group by next.id having min(content.id) < next.id + %(needed)s
"""
_DRAW_PAST = "select count(nextval('content_id_seq')) from generate_series(1, %s)"
_NEAR = 10_000
# An id that a client writes at this very moment is seen only once it is in the way.
_ATTEMPTS = 3
_KEY = "content_pkey"
_ROWS = """
select id, vendor_id, title, description, region, district, category, tags, price_usd::float8, quality::float8,
    updated_at
from content where id = any(%s) and status = 'published'
"""
_GROUPS = """
select region, category, count(*), avg(quality)::float8
from content where status = 'published' group by region, category order by region, category
"""
_QUALITY = """
select percentile_cont(%s::float8[]) within group (order by quality::float8)
from content where status = 'published'
"""
_SOURCES = "select coalesce(source, 'other'), count(*) from content group by 1 order by 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertCounts:
    """What an upsert did to the items given."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: "UpsertCounts") -> "UpsertCounts":
        return UpsertCounts(
            inserted=self.inserted + other.inserted,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRow:
    """One published item as it stands in the database now."""

    id: int
    vendor_id: int
    title: str
    description: str
    region: str
    district: str | None
    category: str
    tags: tuple[str, ...]
    price_usd: float | None
    quality: float
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentGroup:
    """The published items of one region and category."""

    region: str
    category: str
    count: int
    mean_quality: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentStats:
    """Counts of the published items; the quantiles are by share, empty when there is no item."""

    total: int
    vendors: int
    sources: dict[str, int]
    groups: tuple[ContentGroup, ...]
    quality_quantiles: dict[float, float]


def upsert_items(
    connection: "psycopg.Connection[Any]", items: Sequence[NewItem], *, source: str
) -> UpsertCounts:
    """Insert or update the items of one source within the caller's transaction; the external ids are distinct."""
    if not items:
        return UpsertCounts()
    with connection.cursor() as cursor:
        cursor.execute(_INCOMING)
        with cursor.copy(_COPY) as copy:
            for item in items:
                copy.write_row(_copied(item))
        cursor.execute(_UPSERT_VENDORS, {"source": source})
        inserted, updated = _upsert_content(connection, source=source, count=len(items))
        cursor.execute("drop table incoming")
    return UpsertCounts(inserted=inserted, updated=updated, unchanged=len(items) - inserted - updated)


def published_rows(connection: "psycopg.Connection[Any]", ids: Sequence[int]) -> Iterator[ContentRow]:
    """Yield the current rows of these ids that are published; the others are not there."""
    for row in connection.execute(_ROWS, [list(ids)]):
        yield ContentRow(
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
            updated_at=row[10],
        )


def content_stats(
    connection: "psycopg.Connection[Any]", *, shares: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)
) -> ContentStats:
    """Return counts by region and category, by source, and the quantiles of quality."""
    groups = tuple(
        ContentGroup(region=region, category=category, count=count, mean_quality=mean)
        for region, category, count, mean in connection.execute(_GROUPS)
    )
    sources = dict(connection.execute(_SOURCES).fetchall())
    vendors = connection.execute("select count(*) from vendors").fetchone() or (0,)
    quantiles = (connection.execute(_QUALITY, [list(shares)]).fetchone() or (None,))[0]
    return ContentStats(
        total=sum(group.count for group in groups),
        vendors=vendors[0],
        sources=sources,
        groups=groups,
        quality_quantiles=dict(zip(shares, quantiles, strict=True)) if quantiles else {},
    )


def _upsert_content(connection: "psycopg.Connection[Any]", *, source: str, count: int) -> tuple[int, int]:
    """Write what is in `incoming` and return how many were new and how many were changed."""
    import psycopg

    for attempts_left in reversed(range(_ATTEMPTS)):
        _draw_past_chosen_ids(connection, needed=count)
        try:
            with connection.transaction():
                row = connection.execute(_UPSERT_CONTENT, {"source": source}).fetchone()
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name != _KEY or not attempts_left:
                raise
        else:
            return row or (0, 0)
    raise AssertionError("the last attempt returns or raises")


def _draw_past_chosen_ids(connection: "psycopg.Connection[Any]", *, needed: int) -> None:
    values = {"needed": needed, "near": _NEAR}
    while row := connection.execute(_IN_THE_WAY, values).fetchone():
        connection.execute(_DRAW_PAST, [row[0]])


def _copied(item: NewItem) -> tuple[Any, ...]:
    return (
        item.external_id,
        item.vendor_external_id,
        item.vendor_name,
        item.title,
        item.description,
        item.region,
        item.district,
        item.category,
        list(item.tags),
        item.price_usd,
        item.quality,
        item.created_at,
    )
