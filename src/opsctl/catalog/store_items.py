"""How do generated items get into the database: in batches, the same items never twice."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opsctl.catalog.batches import batches_of, told_phase
from opsctl.core.events import Listener
from opsctl.store.content import UpsertCounts, upsert_items
from opsctl.store.items import NewItem

if TYPE_CHECKING:
    import psycopg

_ITEMS_IN_A_BATCH = 2000


def store_items(
    items: Iterable[NewItem],
    *,
    source: str,
    count: int,
    connection: "psycopg.Connection[Any]",
    listener: Listener,
) -> UpsertCounts:
    """Insert or update all items of a source, each batch in a transaction of its own."""
    counts = UpsertCounts()
    with told_phase(listener, subject=source, phase="generate", total=count, unit="items") as advance:
        for batch in batches_of(items, size=_ITEMS_IN_A_BATCH):
            with connection.transaction():
                counts += upsert_items(connection, batch, source=source)
            advance(len(batch))
    return counts
