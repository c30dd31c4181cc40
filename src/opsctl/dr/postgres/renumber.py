"""How does the outbox of a dump stay in order on a server that counts its transactions from elsewhere?

Places in the outbox are pairs of transaction and sequence, and consumers read only what is older than every transaction
in progress. On a server whose count is lower than that of the old one nobody would ever read what was loaded, and
what is written afterwards would lie before every watermark. So transactions are numbered anew, from 1 on, in their order.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_IS_THERE = (
    "select to_regclass('public.outbox') is not null and to_regclass('public.outbox_watermarks') is not null"
)
_NEWEST = """
select places.id::text::bigint, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
from (
    select transaction_id as id from public.outbox
    union all select last_transaction_id from public.outbox_watermarks
) as places
order by places.id desc limit 1
"""
# Whatever lies before every watermark has been read by all, so its order no longer matters: one number is enough for
# it, another one for the lowest watermark itself, and those behind it keep theirs.
_MAP = """
create temporary table renumbered on commit drop as
with lowest as (
    select coalesce((select last_transaction_id from public.outbox_watermarks order by 1 limit 1), '0') as id
), places as (
    select transaction_id as id from public.outbox
    union select last_transaction_id from public.outbox_watermarks
)
select
    places.id,
    case
        when places.id < lowest.id then 1
        when places.id = lowest.id then 2
        else 2 + dense_rank() over (partition by places.id > lowest.id order by places.id)
    end as number
from places, lowest
where places.id <> '0'
"""
_OUTBOX = """
update public.outbox set transaction_id = renumbered.number::text::xid8
from renumbered where renumbered.id = transaction_id
"""
_WATERMARKS = """
update public.outbox_watermarks set last_transaction_id = renumbered.number::text::xid8
from renumbered where renumbered.id = last_transaction_id
"""
# Each turn is a transaction of its own with a number of its own; nothing is written, so nothing need be synced.
_USE_UP = """
do $$
begin
    for number in 1..{count} loop
        perform pg_current_xact_id();
        commit;
    end loop;
end
$$
"""


def renumber_outbox(connection: "psycopg.Connection[Any]") -> int:
    """Number the places of a loaded outbox anew where the server would not reach them; return how many rows were.

    Nobody may write to the database meanwhile. A database without an outbox, such as somebody else's, is left alone.

    Args:
        connection: in autocommit mode, of the owner of the tables.
    """
    row = connection.execute(_IS_THERE).fetchone()
    if row is None or not row[0]:
        return 0
    newest = connection.execute(_NEWEST).fetchone()
    if newest is None or newest[0] < newest[1]:
        return 0
    with connection.transaction():
        connection.execute(_MAP)
        rows = connection.execute(_OUTBOX).rowcount
        connection.execute(_WATERMARKS)
    _use_up(connection)
    return rows


def _use_up(connection: "psycopg.Connection[Any]") -> None:
    """Let the server count on until it is past the new numbers; mostly it is."""
    row = connection.execute(_NEWEST).fetchone()
    if row is None or row[0] < row[1]:
        return
    connection.execute("set synchronous_commit = off")
    connection.execute(_USE_UP.format(count=row[0] - row[1] + 1).encode())
