"""A source of creative vendors in the fake database, the book over it, and a workshop to rebuild in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.vector_store import FakeVectorStore

from opsctl.clients.qdrant_values import Point
from opsctl.core.events import Event
from opsctl.qdrant_collections.checkpoint import Checkpoints
from opsctl.qdrant_collections.model import CollectionsBook
from opsctl.qdrant_collections.options import RebuildOptions
from opsctl.qdrant_collections.phases import Surroundings
from opsctl.qdrant_collections.rebuild import RebuildReport, rebuild
from opsctl.qdrant_collections.store import VectorStore

ALIAS = "au_photographers"
SIZE = 8
SOURCE_POINTS = 600

BOOK: dict[str, Any] = {
    "source": {"collection": "content"},
    "derived": {
        ALIAS: {
            "filter": {"region": "AU", "category": "photographer", "quality": {"gte": 0.5}},
            "budgets": {"p95": "10s", "recall": 0.9},
        }
    },
}


def make_points(count: int, *, first: int = 0) -> list[Point]:
    """Return points of which every sixth passes the filter of the book."""
    import numpy as np

    vectors = np.random.default_rng(first + 1).normal(size=(count, SIZE)).astype(np.float32)
    return [
        {
            "id": first + row,
            "vector": vectors[row].tolist(),
            "payload": {
                "region": "AU" if (first + row) % 2 == 0 else "US",
                "category": "photographer" if (first + row) % 3 == 0 else "venue",
                "quality": 0.9,
                "title": f"vendor {first + row}",
            },
        }
        for row in range(count)
    ]


def make_source(store: VectorStore, *, name: str = "content", count: int = SOURCE_POINTS) -> None:
    """Make the source collection."""
    parameters = {"vectors": {"size": SIZE, "distance": "Cosine"}, "metadata": {"watermark": "7"}}
    store.create_collection(name, parameters)
    for kind, fields in (("keyword", ("region", "category")), ("float", ("quality",))):
        for each in fields:
            store.create_payload_index(name, field=each, schema=kind)
    for begin in range(0, count, 500):
        store.upsert(name, make_points(min(500, count - begin), first=begin), wait=True)


@dataclass(slots=True, kw_only=True)
class Workshop:
    """Everything a test of a verb needs; `listener` may be replaced to crash at some event."""

    store: Any
    folder: Path
    clock: Any = field(default_factory=FakeClock)
    book: CollectionsBook = field(default_factory=lambda: CollectionsBook.model_validate(BOOK))
    events: list[Event] = field(default_factory=list)
    listener: Callable[[Event], None] | None = None

    @property
    def here(self) -> Surroundings:
        """What the verbs take."""
        return Surroundings(
            store=self.store,
            checkpoints=Checkpoints(self.folder),
            clock=self.clock,
            listener=self._hear,
        )

    def rebuild(self, **options: Any) -> RebuildReport:
        """Rebuild the one derived collection of the book."""
        asked = RebuildOptions(**{"watch_seconds": 0.0, "queries": 40} | options)
        return rebuild(ALIAS, book=self.book, here=self.here, options=asked)

    def change_book(self, **changes: Any) -> None:
        """Put other values into the derived collection's entry."""
        entry = BOOK["derived"][ALIAS] | changes
        self.book = CollectionsBook.model_validate(BOOK | {"derived": {ALIAS: entry}})

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if self.listener is not None:
            self.listener(event)


@pytest.fixture
def store() -> FakeVectorStore:
    """Give a fake database with a filled source."""
    fake = FakeVectorStore()
    make_source(fake)
    return fake


@pytest.fixture
def workshop(store: FakeVectorStore, tmp_path: Path) -> Workshop:
    """Give a workshop over the fake database."""
    return Workshop(store=store, folder=tmp_path / "collections")
