"""What a vector database tells about itself and its points, in words of our own instead of a library's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PointId = int | str

Point = dict[str, Any]
"""A point as Qdrant's REST API writes it: `id`, `payload`, `vector`; plain, so that a copy can pass it through."""

Filter = Mapping[str, Any]
"""A filter in the words of Qdrant's REST API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionState:
    """What a collection says about itself; `config` and `payload_schema` are the server's own JSON."""

    name: str
    status: str
    optimizer_status: str
    points_count: int
    indexed_vectors_count: int
    segments_count: int
    config: Mapping[str, Any]
    payload_schema: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pending_updates: int = 0

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return the notes that users keep with the collection; none on a server older than 1.16."""
        return self.config.get("metadata") or {}

    @property
    def vectors(self) -> dict[str, Mapping[str, Any]]:
        """Return the parameters of the dense vectors by name; the unnamed one has the name ''."""
        params = self.config["params"].get("vectors") or {}
        return {"": params} if "size" in params else dict(params)

    @property
    def is_idle(self) -> bool:
        """Tell whether the optimizer has nothing left to do."""
        return self.status == "green" and self.optimizer_status == "ok" and self.pending_updates == 0

    @property
    def has_failed(self) -> bool:
        """Tell whether the optimizer has given up: waiting does not help."""
        return self.status == "red" or self.optimizer_status != "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a scroll in the order of ids; `next_offset` is None on the last one."""

    points: list[Point]
    next_offset: PointId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A page on its way from one collection into another; `sealed` where nobody had to look inside.

    A sealed parcel is the JSON list of its points, byte by byte as the server wrote it.
    """

    count: int
    next_offset: PointId | None
    sealed: bytes | None = None
    points: list[Point] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One nearest-neighbour search; `using` names the vector where a collection has several."""

    vector: Sequence[float]
    limit: int = 10
    filter: Filter | None = None
    exact: bool = False
    acorn: bool = False
    hnsw_ef: int | None = None
    using: str | None = None
    with_payload: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The points that a search found, best first, with the engine's own time beside the time of the call."""

    ids: tuple[PointId, ...]
    scores: tuple[float, ...]
    payloads: tuple[Mapping[str, Any] | None, ...] = ()
    engine_seconds: float
    client_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAlias:
    """Let `alias` lead to `collection`."""

    alias: str
    collection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropAlias:
    """Take `alias` away."""

    alias: str


AliasAction = SetAlias | DropAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class QdrantPlace:
    """Where a Qdrant server is and how it is spoken to."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    prefer_grpc: bool = False
    grpc_port: int = 6334
    timeout_seconds: float = 30.0
