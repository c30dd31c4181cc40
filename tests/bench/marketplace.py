"""A small marketplace on a running vector node: a source with payload indexes, and one derived collection."""

from pathlib import Path
from typing import Any

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace, SetAlias
from opsctl.core.clock import SystemClock
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.scratch import CopyPlan, ScratchCopies

REGIONS = ("AU", "NZ", "US", "UK", "DE")
CATEGORIES = ("photographer", "venue", "florist", "band", "caterer")
INDEXES = {"region": "keyword", "category": "keyword", "quality": "float"}
FILTER = FilterSpec.model_validate({"region": "AU", "category": "photographer", "quality": {"gte": 0.5}})

BOOK = """\
source: {collection: bench_vendors}
derived:
  au_photographers:
    filter: {region: AU, category: photographer, quality: {gte: 0.5}}
    budgets: {recall: 0.5, p95: 10s}
"""


def store_at(url: str) -> QdrantStore:
    """Return a client of the node at this address."""
    return QdrantStore(QdrantPlace(url=url))


def fill(store: QdrantStore, *, points: int = 3000, dimension: int = 16, seed: int = 7) -> None:
    """Make the source `bench_vendors`, indexes first."""
    import numpy as np

    parameters: dict[str, Any] = {"vectors": {"size": dimension, "distance": "Cosine"}}
    store.create_collection("bench_vendors", parameters)
    for field, kind in INDEXES.items():
        store.create_payload_index("bench_vendors", field=field, schema=kind)
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((points, dimension)).astype(np.float32)
    rows = [
        {
            "id": number,
            "vector": vectors[number].tolist(),
            "payload": {
                "region": REGIONS[int(random.integers(len(REGIONS)))],
                "category": CATEGORIES[int(random.integers(len(CATEGORIES)))],
                "quality": float(random.uniform()),
            },
        }
        for number in range(points)
    ]
    for start in range(0, points, 1000):
        store.upsert("bench_vendors", rows[start : start + 1000])


def derive(store: QdrantStore, *, alias: str = "au_photographers", spec: FilterSpec = FILTER) -> None:
    """Build the derived collection and let the alias lead to it; the test's own clean-up removes it."""
    copies = ScratchCopies(store, prefix=f"{alias}__g", clock=SystemClock())
    copy = copies.make(CopyPlan(name="1", source="bench_vendors", filter=spec.to_qdrant()))
    store.change_aliases([SetAlias(alias=alias, collection=copy.collection)])


def write_project(folder: Path, *, url: str, book: str = BOOK) -> None:
    """Write the project files of a user."""
    (folder / "ops").mkdir(exist_ok=True)
    (folder / "opsctl.yaml").write_text(f"qdrant: {{url: {url}}}\n")
    (folder / "ops" / "collections.yaml").write_text(book)
