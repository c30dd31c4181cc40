"""Which changes of items does nobody need any more: those after which the same item changed again.

Consumers read an item as it is now, so of its changes only the last one matters to them, however far back they are. That one
is never removed: a collection that is made anew, or came back from a snapshot, is followed from it.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.store.locks import key_of
from opsctl.store.outbox import CONTENT

if TYPE_CHECKING:
    import psycopg

_LOCK = key_of("outbox pruning")

# By a window and not by a join of the table with itself: one walk and one sort, whatever the planner believes of the table.
_PRUNE = """
delete from outbox where sequence = any(array(
    select sequence from (
        select sequence, created_at,
            lead(sequence) over (partition by aggregate_id order by transaction_id, sequence) as newer
        from outbox where aggregate = %(aggregate)s
    ) as changes
    where newer is not null and created_at < %(before)s limit %(limit)s
))
"""


async def prune_superseded(
    connection: "psycopg.AsyncConnection[Any]", *, before: datetime, limit: int = 50_000
) -> int:
    """Remove some of the older changes of items that changed again, and return how many; call again until it is 0.

    It walks all changes of items, so call it seldom; where another worker does so just now nothing is done.
    """
    async with connection.transaction():
        row = await (await connection.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
        if row is None or not row[0]:
            return 0
        found = await connection.execute(_PRUNE, {"aggregate": CONTENT, "before": before, "limit": limit})
        return found.rowcount
