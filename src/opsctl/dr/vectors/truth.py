"""What should the collection hold: the published items as the database has them, in the order of their ids."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.store.outbox import CONTENT, Watermark

if TYPE_CHECKING:
    import psycopg

_CURSOR = "opsctl_dr_truth"
_ROWS_AT_ONCE = 5000
# All rows are going to be read, so a plan that gives the first one soon is the wrong one.
_PLAN_FOR_ALL = "select set_config('cursor_tuple_fraction', '1', true)"
# The last change of an item is the last one in the order of reading (transaction, sequence), which need not have the
# highest sequence: see the view `outbox_ready`. An item may have none, such as one that is older than the outbox.
_ROWS = """
select content.id, latest.sequence, content.updated_at
from content
left join (
    select distinct on (aggregate_id) aggregate_id, sequence from outbox where aggregate = %s
    order by aggregate_id, transaction_id desc, sequence desc
) as latest on latest.aggregate_id = content.id
where content.status = 'published'
order by content.id
"""
_NEWEST = """
select transaction_id::text::bigint, sequence from outbox_ready where aggregate = %s
order by transaction_id desc, sequence desc limit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueItem:
    """A published item: its last change in the outbox, None where there is none, and when it last changed."""

    id: int
    sequence: int | None
    updated_at: datetime


def true_items(connection: "psycopg.Connection[Any]") -> Iterator[TrueItem]:
    """Yield every published item as of one moment; the server keeps them, memory holds some thousand.

    It is a transaction of its own, so the connection is not used for anything else until the last item.
    """
    with connection.transaction():
        connection.execute(_PLAN_FOR_ALL)
        with connection.cursor(name=_CURSOR) as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            for row in cursor.execute(_ROWS, [CONTENT]):
                yield TrueItem(id=row[0], sequence=row[1], updated_at=row[2])


def newest_place(connection: "psycopg.Connection[Any]") -> Watermark:
    """Return the last place in the outbox that a consumer may have reached; the beginning where it is empty.

    What is read of the truth after this holds every change up to there.
    """
    with connection.transaction():
        row = connection.execute(_NEWEST, [CONTENT]).fetchone()
    return Watermark(*row) if row else Watermark()
