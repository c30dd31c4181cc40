"""Where do the vectors go: what the synchronisation needs of a vector database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from opsctl.store.outbox import Watermark

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorPoint:
    """One item as the vector database keeps it."""

    id: int
    vector: "NDArray[Any]"
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkState:
    """What a source collection notes about itself; None where it notes nothing."""

    dimension: int
    points: int
    model_id: str | None = None
    watermark: Watermark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionNeeds:
    """What a source collection must be made with; `payload_indexes` maps fields to kinds such as `keyword`."""

    dimension: int
    model_id: str
    payload_indexes: Mapping[str, str] = field(default_factory=dict)


class VectorSink(Protocol):
    """A vector database that takes points."""

    def state(self, name: str) -> SinkState | None:
        """Return what the collection notes about itself; None when there is no such collection."""
        ...

    def ensure_collection(self, name: str, needs: CollectionNeeds) -> None:
        """Make the collection with its payload indexes where it is missing; half-made ones are completed."""
        ...

    def drop(self, name: str) -> None:
        """Remove the collection with all its points."""
        ...

    def upsert(self, name: str, points: Sequence[VectorPoint]) -> None:
        """Write points; after the return they are durable."""
        ...

    def delete(self, name: str, ids: Sequence[int]) -> None:
        """Remove the points that are there; after the return they are gone for good."""
        ...

    def note_watermark(self, name: str, watermark: Watermark, *, needs: CollectionNeeds) -> None:
        """Note in the collection how far it follows the outbox."""
        ...

    def wait_until_indexed(self, name: str, *, on_look: Callable[[int], None]) -> None:
        """Return when the collection has nothing left to index; `on_look` hears how many vectors are."""
        ...
