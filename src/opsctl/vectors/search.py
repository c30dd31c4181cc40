"""What is one search, and what does it answer: the seam between measuring and any vector database."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.vectors.filters import FilterSpec

PointId = int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One nearest-neighbour search; `exact` scans everything and is the truth that recall is measured against."""

    collection: str
    vector: "Sequence[float]"
    limit: int = 10
    filter: "FilterSpec | None" = None
    exact: bool = False
    acorn: bool = False
    hnsw_ef: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The points found, best first, and the time the engine and the whole call took."""

    ids: tuple[PointId, ...]
    scores: tuple[float, ...]
    engine_seconds: float
    client_seconds: float


class Searcher(Protocol):
    """Anything that answers searches."""

    def search(self, search: Search) -> Answer:
        """Answer one search."""
        ...
