"""Which items do readers like lately: faded counts that follow the outbox, and shares smoothed by a prior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

HALF_LIFE_SECONDS = 14 * 86_400.0
POSITIVE_KINDS = ("click", "save", "share", "inquiry", "purchase")
CONSUMER = "popularity"
# Two or three dozen views tell more of an item than its prior does.
_PRIOR_STRENGTH = 20.0

# An item starts from the share that all items have, scaled by its quality: so where nobody did anything, quality
# decides. All counts of an item fade alike, so an item that nobody has looked at for long returns to its prior.
_SCORE = """
(coalesce(popularity.positives * faded.by, 0) + %(strength)s * overall.share * content.quality)
/ (coalesce((popularity.views + popularity.positives + popularity.negatives) * faded.by, 0) + %(strength)s)
"""
_FROM = """
from content
cross join (
    select (positives + 2) / (views + positives + negatives + 20) as share from popularity_totals
) as overall
left join content_popularity as popularity on popularity.content_id = content.id
cross join lateral (
    select power(2, extract(epoch from popularity.as_of - %(now)s::timestamptz)::float8 / %(half_life)s) as by
) as faded
"""
_TRENDING = f"""
select content.id, vendor_id, title, region, category, price_usd::float8, content.quality::float8, {_SCORE} as score
{_FROM}
where content.status = 'published'
    and (%(region)s::text is null or region = %(region)s)
    and (%(category)s::text is null or category = %(category)s)
order by score desc, content.quality desc, content.id
limit %(limit)s
"""
_BY_GROUP = f"""
select id, vendor_id, title, region, category, price_usd, quality, score from (
    select content.id, vendor_id, title, region, category, price_usd::float8, content.quality::float8,
        {_SCORE} as score,
        row_number() over (partition by region, category
            order by {_SCORE} desc, content.quality desc, content.id) as place
    {_FROM}
    where content.status = 'published'
) as placed
where place <= %(depth)s
order by region, category, place
"""  # noqa: S608 - literals only
_OF_IDS = f"""
select content.id, {_SCORE}, coalesce(popularity.views * faded.by, 0)
{_FROM}
where content.id = any(%(ids)s)
"""

_LOCK_WATERMARK = """
select last_transaction_id::text, last_sequence from outbox_watermarks where consumer = %s for update skip locked
"""
# Not a plain `on conflict do nothing`, which would wait for whoever is moving the watermark.
_REGISTER = """
insert into outbox_watermarks (consumer)
select %(consumer)s where not exists (select from outbox_watermarks where consumer = %(consumer)s)
on conflict do nothing
"""
_NEXT = """
select transaction_id::text, sequence, aggregate_id from outbox_ready
where aggregate = 'interaction' and operation = 'upsert'
    and (transaction_id, sequence) > (%s::text::xid8, %s)
order by transaction_id, sequence limit %s
"""
_COUNTS = """
select
    content_id,
    sum(weight) filter (where kind = 'view') as views,
    sum(weight) filter (where kind = any(%(positive)s)) as positives,
    sum(weight) filter (where kind = 'hide') as negatives
from (
    select content_id, kind, power(2, extract(epoch from least(occurred_at, received_at) - %(now)s::timestamptz)::float8
        / %(half_life)s) as weight
    from interactions where id = any(%(ids)s) and content_id is not null
) as weighed
group by content_id
"""
# Rows are written in the order of their ids, the totals last: writers that meet wait instead of deadlocking.
_ADD = f"""
with counts as ({_COUNTS}), added as (
    insert into content_popularity as mine (content_id, views, positives, negatives, as_of)
    select counts.content_id, coalesce(counts.views, 0), coalesce(counts.positives, 0), coalesce(counts.negatives, 0),
        %(now)s
    from counts join content on content.id = counts.content_id order by counts.content_id
    on conflict (content_id) do update set
        views = mine.views * power(2, extract(epoch from mine.as_of - excluded.as_of)::float8 / %(half_life)s)
            + excluded.views,
        positives = mine.positives * power(2, extract(epoch from mine.as_of - excluded.as_of)::float8 / %(half_life)s)
            + excluded.positives,
        negatives = mine.negatives * power(2, extract(epoch from mine.as_of - excluded.as_of)::float8 / %(half_life)s)
            + excluded.negatives,
        as_of = excluded.as_of
)
update popularity_totals as totals set
    views = totals.views * faded.by + sums.views,
    positives = totals.positives * faded.by + sums.positives,
    negatives = totals.negatives * faded.by + sums.negatives,
    as_of = %(now)s
from
    (select coalesce(sum(views), 0) as views, coalesce(sum(positives), 0) as positives,
        coalesce(sum(negatives), 0) as negatives from counts) as sums,
    (select power(2, extract(epoch from as_of - %(now)s::timestamptz)::float8 / %(half_life)s) as by
        from popularity_totals) as faded
"""  # noqa: S608 - literals only
_ADVANCE = """
update outbox_watermarks set last_transaction_id = %s::text::xid8, last_sequence = %s, updated_at = clock_timestamp()
where consumer = %s
"""
# Only rows before the watermark: what nobody has taken in yet is never removed, however old.
_PRUNE = """
delete from outbox where sequence in (
    select sequence from outbox, outbox_watermarks
    where consumer = %(consumer)s and aggregate = 'interaction' and created_at < %(before)s
        and (transaction_id, sequence) <= (last_transaction_id, last_sequence)
    order by transaction_id, sequence limit %(limit)s
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopularItem:
    """A published item and how popular it is; `score` is its smoothed share of positive interactions."""

    content_id: int
    vendor_id: int
    title: str
    region: str
    category: str
    price_usd: float | None
    quality: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Popularity:
    """How an item did lately: its smoothed share of positive interactions, and its faded count of views."""

    share: float
    views: float


async def trending(
    connection: "psycopg.AsyncConnection[Any]",
    *,
    now: datetime,
    limit: int,
    region: str | None = None,
    category: str | None = None,
) -> Sequence[PopularItem]:
    """Return the most popular published items, of one region and category where they are named, best first."""
    values = _values(now) | {"region": region, "category": category, "limit": limit}
    rows = await connection.execute(_TRENDING, values)
    return [_popular(row) for row in await rows.fetchall()]


async def trending_by_group(
    connection: "psycopg.AsyncConnection[Any]", *, now: datetime, depth: int
) -> Sequence[PopularItem]:
    """Return the most popular published items of each pair of region and category, each pair's best first."""
    rows = await connection.execute(_BY_GROUP, _values(now) | {"depth": depth})
    return [_popular(row) for row in await rows.fetchall()]


async def popularity_of(
    connection: "psycopg.AsyncConnection[Any]", ids: Sequence[int], *, now: datetime
) -> Mapping[int, Popularity]:
    """Return how these items did lately, by id; those that are not there are left out."""
    rows = await connection.execute(_OF_IDS, _values(now) | {"ids": list(ids)})
    return {row[0]: Popularity(share=row[1], views=row[2]) for row in await rows.fetchall()}


async def refresh_popularity(
    connection: "psycopg.AsyncConnection[Any]", *, now: datetime, limit: int = 20_000
) -> int:
    """Take in the next interactions of the outbox, each once, and return how many; 0 when there is none.

    Counts and watermark move in one transaction. Somebody else who does the same at this moment is left to it: 0.
    """
    await connection.execute(_REGISTER, {"consumer": CONSUMER})
    async with connection.transaction():
        place = await (await connection.execute(_LOCK_WATERMARK, [CONSUMER])).fetchone()
        if place is None:
            return 0
        rows = await (await connection.execute(_NEXT, [*place, limit])).fetchall()
        if not rows:
            return 0
        await connection.execute(
            _ADD, _values(now) | {"ids": [row[2] for row in rows], "positive": list(POSITIVE_KINDS)}
        )
        await connection.execute(_ADVANCE, [rows[-1][0], rows[-1][1], CONSUMER])
    return len(rows)


async def prune_followed(
    connection: "psycopg.AsyncConnection[Any]", *, before: datetime, limit: int = 5000
) -> int:
    """Remove some of the outbox rows of interactions that were taken in, and return how many; again until it is 0."""
    found = await connection.execute(_PRUNE, {"consumer": CONSUMER, "before": before, "limit": limit})
    return found.rowcount


def _popular(row: tuple[Any, ...]) -> PopularItem:
    return PopularItem(
        content_id=row[0],
        vendor_id=row[1],
        title=row[2],
        region=row[3],
        category=row[4],
        price_usd=row[5],
        quality=row[6],
        score=row[7],
    )


def _values(now: datetime) -> dict[str, Any]:
    return {"now": now, "half_life": HALF_LIFE_SECONDS, "strength": _PRIOR_STRENGTH}
