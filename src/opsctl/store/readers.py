"""What did a reader do, and how is what readers do now written down: once each, whatever is sent again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# One row of nothing but the region for a reader without a history, none for somebody unknown. Each item is looked up by
# its key (`limit 1`): joined at large, the whole catalogue would be read for the sake of a hundred. What is hidden comes with
# the newest row only, apart from the limit of the history, and by an index of its own.
_READER = """
select users.region, did.content_id, did.kind, date_part('epoch', did.occurred_at), item.vendor_id, item.price_usd,
    case when did.place = 1 then array(
        select content_id from interactions
        where user_id = users.id and kind = 'hide' and content_id is not null
        order by occurred_at desc, id desc limit %s
    ) end
from users left join lateral (
    select id, content_id, kind, occurred_at, row_number() over (order by occurred_at desc, id desc) as place
    from interactions
    where user_id = users.id and content_id is not null
    order by occurred_at desc, id desc limit %s
) as did on true
left join lateral (
    select vendor_id, price_usd::float8 from content where id = did.content_id and status = 'published' limit 1
) as item on true
where users.id = %s
order by did.occurred_at desc, did.id desc
"""

# A feed asks for so many items more. Who hides more than this may see the first of them again.
_MOST_HIDDEN = 1000

# One statement, so one round trip and one transaction. Rows are locked and written in one order everywhere (items by id,
# readers by id, interactions by key): two batches at once then wait for each other instead of deadlocking. The lock on
# the items keeps one that is being deleted from failing the whole batch by its foreign key.
_RECORD = """
with given as (
    select distinct on (idempotency_key) *
    from unnest(%(keys)s::text[], %(kinds)s::text[], %(users)s::bigint[], %(contents)s::bigint[],
        %(times)s::timestamptz[], %(feeds)s::text[])
        with ordinality as each (idempotency_key, kind, user_id, content_id, occurred_at, feed_id, place)
    order by idempotency_key, place
), known as (
    select given.idempotency_key from given join interactions using (idempotency_key)
), present as (
    select id from content where id = any(%(contents)s) order by id for key share
), fresh as (
    select given.* from given join present on present.id = given.content_id
    where given.idempotency_key not in (select idempotency_key from known)
), readers as (
    insert into users (id) select distinct user_id from fresh order by user_id on conflict do nothing
), written as (
    insert into interactions (idempotency_key, kind, user_id, content_id, occurred_at, feed_id)
    select idempotency_key, kind, user_id, content_id, occurred_at, feed_id from fresh order by idempotency_key
    on conflict (idempotency_key) do nothing
    returning idempotency_key
)
select idempotency_key, 'accepted' from written
union all
select given.idempotency_key, 'unknown' from given
where given.content_id not in (select id from present) and given.idempotency_key not in (select * from known)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderHistory:
    """What a reader did, column by column, the newest first; items that were deleted are left out.

    Args:
        region: the reader's own; None where it or the reader is not known.
        content_ids: with what something was done.
        kinds: what was done.
        occurred_seconds: when, in seconds since 1970.
        vendor_ids: whose item it is; None where it is not published.
        prices_usd: what it costs; None where it is not published or has no price.
        hidden_ids: what the reader hid, however long ago: the newest thousand.
    """

    region: str | None = None
    content_ids: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    occurred_seconds: tuple[float, ...] = ()
    vendor_ids: tuple[int | None, ...] = ()
    prices_usd: tuple[float | None, ...] = ()
    hidden_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInteraction:
    """Something that a reader did, as a client reports it; a key that was reported before counts once."""

    idempotency_key: str
    kind: str
    user_id: int
    content_id: int
    occurred_at: datetime
    feed_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedInteractions:
    """What became of a batch, by idempotency key, in the order given; a key given twice is accepted and repeated."""

    accepted: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    unknown_content: tuple[str, ...] = ()


async def read_history(
    connection: "psycopg.AsyncConnection[Any]", user_id: int, *, limit: int
) -> ReaderHistory:
    """Return what a reader did, at most the newest `limit`, and all that they hid, in one round trip."""
    rows = await (await connection.execute(_READER, [_MOST_HIDDEN, limit, user_id], binary=True)).fetchall()
    if not rows:
        return ReaderHistory()
    if rows[0][1] is None:
        return ReaderHistory(region=rows[0][0])
    regions, content_ids, kinds, occurred_seconds, vendor_ids, prices_usd, hidden_ids = zip(
        *rows, strict=True
    )
    return ReaderHistory(
        region=regions[0],
        content_ids=content_ids,
        kinds=kinds,
        occurred_seconds=occurred_seconds,
        vendor_ids=vendor_ids,
        prices_usd=prices_usd,
        hidden_ids=tuple(hidden_ids[0]),
    )


async def record_interactions(
    connection: "psycopg.AsyncConnection[Any]", batch: Sequence[NewInteraction]
) -> RecordedInteractions:
    """Write a batch in one transaction; what is known already, or of an item that is not there, is reported."""
    if not batch:
        return RecordedInteractions()
    values = {
        "keys": [each.idempotency_key for each in batch],
        "kinds": [each.kind for each in batch],
        "users": [each.user_id for each in batch],
        "contents": [each.content_id for each in batch],
        "times": [each.occurred_at for each in batch],
        "feeds": [each.feed_id for each in batch],
    }
    found = await (await connection.execute(_RECORD, values)).fetchall()
    return _sorted_out([each.idempotency_key for each in batch], outcomes=dict(found))


def _sorted_out(keys: Sequence[str], *, outcomes: dict[str, str]) -> RecordedInteractions:
    accepted, repeated, unknown = [], [], []
    told: set[str] = set()
    for key in keys:
        outcome = outcomes.get(key)
        if outcome is None or key in told:
            repeated.append(key)
        elif outcome == "accepted":
            accepted.append(key)
        else:
            unknown.append(key)
        told.add(key)
    return RecordedInteractions(
        accepted=tuple(accepted), repeated=tuple(repeated), unknown_content=tuple(unknown)
    )
