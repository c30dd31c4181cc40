"""What has changed since a consumer looked last: the outbox, read after a watermark and never ahead of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

CONTENT = "content"

_READY_AFTER = """
from outbox_ready
where aggregate = %(aggregate)s
    and (transaction_id, sequence) > (%(transaction_id)s::text::xid8, %(sequence)s)
"""
_READ = f"""
select transaction_id::text::bigint, sequence, aggregate_id {_READY_AFTER}
order by transaction_id, sequence limit %(limit)s
"""
_LAG = """
select count(*), min(created_at) from outbox
where aggregate = %(aggregate)s
    and (transaction_id, sequence) > (%(transaction_id)s::text::xid8, %(sequence)s)
"""
_WATERMARK = (
    "select last_transaction_id::text::bigint, last_sequence from outbox_watermarks where consumer = %s"
)
_REGISTER = "insert into outbox_watermarks (consumer) values (%s) on conflict do nothing"
_ADVANCE = """
update outbox_watermarks
set last_transaction_id = %(to_transaction)s::text::xid8, last_sequence = %(to_sequence)s,
    updated_at = clock_timestamp()
where consumer = %(consumer)s
    and last_transaction_id = %(from_transaction)s::text::xid8 and last_sequence = %(from_sequence)s
"""


@dataclass(frozen=True, slots=True, order=True)
class Watermark:
    """A place in the outbox; the order is that of (transaction, sequence), which is the order of reading."""

    transaction_id: int = 0
    sequence: int = 0

    def __str__(self) -> str:
        return f"{self.transaction_id}:{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "Watermark":
        """Return the place that `str()` wrote.

        >>> Watermark.parse("812:26155")
        Watermark(transaction_id=812, sequence=26155)
        """
        transaction_id, _, sequence = text.partition(":")
        return cls(int(transaction_id), int(sequence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something happened to this item; what it is now stands in the table."""

    place: Watermark
    content_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How many changes a consumer has not applied yet, and how old the oldest of them is."""

    changes: int
    oldest_at: datetime | None


def read_changes(connection: "psycopg.Connection[Any]", *, after: Watermark, limit: int) -> Sequence[Change]:
    """Return the next changes behind which nothing can appear any more, in order."""
    rows = connection.execute(_READ, {**_after(after), "limit": limit})
    return [Change(place=Watermark(row[0], row[1]), content_id=row[2]) for row in rows]


def read_watermark(connection: "psycopg.Connection[Any]", *, consumer: str) -> Watermark:
    """Return how far a consumer came; the beginning, for one that was never here."""
    row = connection.execute(_WATERMARK, [consumer]).fetchone()
    return Watermark(*row) if row else Watermark()


def move_watermark(
    connection: "psycopg.Connection[Any]", *, consumer: str, expected: Watermark, to: Watermark
) -> bool:
    """Move a consumer's watermark if it still is where the caller believes it; tell whether it was."""
    connection.execute(_REGISTER, [consumer])
    values = {
        "consumer": consumer,
        "from_transaction": expected.transaction_id,
        "from_sequence": expected.sequence,
        "to_transaction": to.transaction_id,
        "to_sequence": to.sequence,
    }
    return connection.execute(_ADVANCE, values).rowcount == 1


def read_lag(connection: "psycopg.Connection[Any]", *, after: Watermark) -> Lag:
    """Return what a consumer with this watermark still has before it, changes in progress included."""
    row = connection.execute(_LAG, _after(after)).fetchone() or (0, None)
    return Lag(changes=row[0], oldest_at=row[1])


def _after(place: Watermark) -> dict[str, Any]:
    return {
        "aggregate": CONTENT,
        "transaction_id": place.transaction_id,
        "sequence": place.sequence,
    }
