"""With which parameters is a generation made: the source's own, changed where the book says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsctl.clients.qdrant_values import CollectionState
from opsctl.qdrant_collections.model import DerivedCollection

_DEFAULT_THRESHOLD_KILOBYTES = 10_000  # Qdrant's own default
_HNSW_COPIED = ("m", "ef_construct", "full_scan_threshold", "on_disk", "payload_m")


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a server of some version can do."""

    version: str
    has_metadata: bool

    @classmethod
    def of(cls, version: str) -> "Features":
        """Return the features of a version; collection metadata came with 1.16."""
        return cls(version=version, has_metadata=_number(version) >= (1, 16))


def creation_parameters(source: CollectionState, *, derived: DerivedCollection) -> dict[str, Any]:
    """Return the parameters of a new generation in REST words, for filling: no graph is built meanwhile.

    Building the graph once, after all points are in, costs less than building it again and again while they
    come; nobody searches the generation before it is verified.
    """
    params = source.config["params"]
    asked: dict[str, Any] = {
        "vectors": _vectors(params.get("vectors") or {}, derived=derived),
        "hnsw_config": _hnsw(source.config.get("hnsw_config") or {}, derived=derived),
        "optimizers_config": {"indexing_threshold": 0},
        "sparse_vectors": params.get("sparse_vectors"),
        "on_disk_payload": params.get("on_disk_payload"),
        "quantization_config": _quantization(source.config.get("quantization_config"), derived=derived),
        "shard_number": derived.shard_number,
        "replication_factor": derived.replication_factor,
    }
    return {key: value for key, value in asked.items() if value is not None}


def serving_change(
    source: CollectionState, *, derived: DerivedCollection, optimizer_threads: int | None
) -> dict[str, Any]:
    """Return the change that lets a filled generation build its graph."""
    threshold = derived.indexing_threshold
    if threshold is None:
        optimizer = source.config.get("optimizer_config") or {}
        threshold = optimizer.get("indexing_threshold") or _DEFAULT_THRESHOLD_KILOBYTES
    change: dict[str, Any] = {"indexing_threshold": threshold}
    if optimizer_threads is not None:
        change["max_optimization_threads"] = optimizer_threads
    return {"optimizers_config": change}


def payload_indexes(
    source: CollectionState, *, derived: DerivedCollection
) -> dict[str, str | Mapping[str, Any]]:
    """Return the fields to index: those of the book, else the source's that the filter leaves open.

    A field with one allowed value is the same in every point of the derived collection.
    """
    if derived.payload_indexes is not None:
        return dict(derived.payload_indexes)
    decided = {field for field, condition in derived.filter.root.items() if isinstance(condition, str | int)}
    return {
        field: schema.get("params") or schema["data_type"]
        for field, schema in source.payload_schema.items()
        if field not in decided
    }


def _vectors(params: Mapping[str, Any], *, derived: DerivedCollection) -> dict[str, Any]:
    changes = {} if derived.vectors.on_disk is None else {"on_disk": derived.vectors.on_disk}
    if "size" in params:
        return {**params, **changes}
    return {name: {**each, **changes} for name, each in params.items()}


def _hnsw(source: Mapping[str, Any], *, derived: DerivedCollection) -> dict[str, Any]:
    copied = {key: source[key] for key in _HNSW_COPIED if source.get(key) is not None}
    return copied | derived.hnsw.model_dump(exclude_none=True)


def _quantization(
    source: Mapping[str, Any] | None, *, derived: DerivedCollection
) -> Mapping[str, Any] | None:
    match derived.vectors.quantization:
        case None:
            return source
        case "none":
            return None
        case "scalar":
            return {"scalar": {"type": "int8", "always_ram": True}}


def _number(version: str) -> tuple[int, ...]:
    head = version.partition("-")[0].split(".")
    return tuple(int(part) for part in head[:2] if part.isdigit())
