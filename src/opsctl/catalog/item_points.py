"""What does a point of the vector database hold of an item, and which fields of it are indexed?"""

from typing import Any

from opsctl.catalog.batches import told_phase
from opsctl.catalog.sink import VectorSink
from opsctl.core.events import Listener
from opsctl.store.content import ContentRow

PAYLOAD_INDEXES = {
    "region": "keyword",
    "district": "keyword",
    "category": "keyword",
    "quality": "float",
    "price_usd": "float",
}


def embedded_text(title: str, description: str) -> str:
    """Return the text of an item that becomes its vector."""
    return f"{title}\n{description}"


def index_payload(sink: VectorSink, collection: str, *, listener: Listener) -> None:
    """Index the fields that filters ask for."""
    with told_phase(listener, subject=collection, phase="index", unit="vectors", with_rate=False) as advance:
        seen = 0

        def look(indexed: int) -> None:
            nonlocal seen
            if indexed > seen:
                advance(indexed - seen)
                seen = indexed

        sink.wait_until_indexed(collection, on_look=look)


def payload_of(row: ContentRow, *, sequence: int | None) -> dict[str, Any]:
    """Return what filters can see of an item."""
    return {
        "region": row.region,
        "district": row.district,
        "category": row.category,
        "quality": row.quality,
        "price_usd": row.price_usd,
        "tags": list(row.tags),
        "vendor_id": row.vendor_id,
        "title": row.title,
        "updated_at": row.updated_at.isoformat(),
        "sequence": sequence,
    }
