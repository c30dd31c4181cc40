"""What does the catalogue hold, and how far do the vectors follow it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.catalog.sync import consumer_of
from opsctl.store.content import ContentStats, content_stats
from opsctl.store.outbox import read_lag, read_watermark

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Counts of the items, and what the source collection still has before it."""

    content: ContentStats
    collection: str
    watermark: str
    lag_changes: int
    lag_seconds: float


def read_overview(connection: "psycopg.Connection[Any]", *, collection: str, now: datetime) -> Overview:
    """Return everything in one consistent look at the database."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        watermark = read_watermark(connection, consumer=consumer_of(collection))
        lag = read_lag(connection, after=watermark)
        stats = content_stats(connection)
    waited = (now - lag.oldest_at).total_seconds() if lag.oldest_at else 0.0
    return Overview(
        content=stats,
        collection=collection,
        watermark=str(watermark),
        lag_changes=lag.changes,
        lag_seconds=max(0.0, waited),
    )
