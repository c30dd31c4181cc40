"""How does a running service follow the outbox: one worker at a time, each batch with its watermark in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsctl.store.outbox import CONTENT, Change, Watermark

if TYPE_CHECKING:
    import psycopg

# A consumer that is new begins at the newest change, or where the one is that it must not overtake: its caches are
# empty, or the caller empties them. From the beginning of all times it would drop, at its very first start under
# load, what was just loaded.
_REGISTER = """
insert into outbox_watermarks (consumer, last_transaction_id, last_sequence)
select %(consumer)s, transaction_id, sequence from (
    select last_transaction_id as transaction_id, last_sequence as sequence
    from outbox_watermarks where consumer = %(behind)s
    union all
    (select transaction_id, sequence from outbox_ready where aggregate = %(aggregate)s and %(behind)s::text is null
     order by transaction_id desc, sequence desc limit 1)
    union all
    select '0'::xid8, 0
) as places
order by transaction_id desc, sequence desc limit 1
on conflict do nothing
"""
_IS_KNOWN = "select from outbox_watermarks where consumer = %s"
_LOCK = """
select last_transaction_id::text::bigint, last_sequence from outbox_watermarks
where consumer = %s for update skip locked
"""
_NEXT = """
select transaction_id::text::bigint, sequence, aggregate_id from outbox_ready
where aggregate = %(aggregate)s
    and (transaction_id, sequence) > (%(transaction_id)s::text::xid8, %(sequence)s)
    and (%(behind)s::text is null or (transaction_id, sequence) <= (
        select last_transaction_id, last_sequence from outbox_watermarks where consumer = %(behind)s
    ))
order by transaction_id, sequence limit %(limit)s
"""
_ADVANCE = """
update outbox_watermarks set last_transaction_id = %s::text::xid8, last_sequence = %s, updated_at = clock_timestamp()
where consumer = %s
"""
_PLACE = """
select last_transaction_id::text::bigint, last_sequence from outbox_watermarks where consumer = %s
"""
# From a place that is known the index is walked, whatever is before it: much of that stays for good, and this is asked
# every two seconds.
_LAG = """
select count(*) from outbox
where aggregate = %(aggregate)s
    and (transaction_id, sequence) > (%(transaction_id)s::text::xid8, %(sequence)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Changes that are this caller's until its transaction ends; `is_first` where nobody knew the consumer before."""

    consumer: str
    changes: Sequence[Change]
    is_first: bool = False


async def take_changes(
    connection: "psycopg.AsyncConnection[Any]", consumer: str, *, limit: int, behind: str | None = None
) -> Batch:
    """Return the next changes of a consumer, within the caller's transaction; none when another worker is at it.

    Args:
        connection: in a transaction; its end gives the consumer free.
        consumer: whose watermark counts.
        limit: most changes.
        behind: name of a consumer that is not to be overtaken.
    """
    is_first = False
    if (await connection.execute(_IS_KNOWN, [consumer])).rowcount == 0:
        names = {"consumer": consumer, "behind": behind, "aggregate": CONTENT}
        # Another worker may be faster; then the consumer is that one's.
        is_first = (await connection.execute(_REGISTER, names)).rowcount == 1
    place = await (await connection.execute(_LOCK, [consumer])).fetchone()
    if place is None:
        return Batch(consumer=consumer, changes=())
    values = {
        "aggregate": CONTENT,
        "transaction_id": place[0],
        "sequence": place[1],
        "behind": behind,
        "limit": limit,
    }
    rows = await connection.execute(_NEXT, values)
    changes = [Change(place=Watermark(row[0], row[1]), content_id=row[2]) async for row in rows]
    return Batch(consumer=consumer, changes=changes, is_first=is_first)


async def finish_changes(connection: "psycopg.AsyncConnection[Any]", batch: Batch) -> None:
    """Move the watermark past the batch, in the same transaction."""
    if batch.changes:
        place = batch.changes[-1].place
        await connection.execute(_ADVANCE, [place.transaction_id, place.sequence, batch.consumer])


async def count_lag(connection: "psycopg.AsyncConnection[Any]", consumer: str) -> int:
    """Return how many changes a consumer has still before it, changes in progress included."""
    place = await (await connection.execute(_PLACE, [consumer])).fetchone() or (0, 0)
    values = {"aggregate": CONTENT, "transaction_id": place[0], "sequence": place[1]}
    row = await (await connection.execute(_LAG, values)).fetchone()
    return row[0] if row else 0
