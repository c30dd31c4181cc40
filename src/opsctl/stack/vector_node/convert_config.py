"""What the create parameters of a collection mean to the engine."""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.engine_values import engine_enum, engine_params

if TYPE_CHECKING:
    import qdrant_edge as edge
    from qdrant_client.http import models

# Qdrant's defaults (config/config.yaml of the server); they are also what the collection's info shows.
HNSW_DEFAULTS: dict[str, Any] = {
    "m": 16,
    "ef_construct": 100,
    "full_scan_threshold": 10_000,
    "max_indexing_threads": 0,
}
OPTIMIZER_DEFAULTS: dict[str, Any] = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "indexing_threshold": 10_000,
    "flush_interval_sec": 1,
}
WAL: dict[str, int] = {"wal_capacity_mb": 32, "wal_segments_ahead": 0}
_ENGINE_OPTIMIZER_FIELDS = (
    "deleted_threshold",
    "vacuum_min_vector_number",
    "default_segment_number",
    "max_segment_size",
    "indexing_threshold",
)


def engine_config(asked: "models.CreateCollection") -> "edge.EdgeConfig":
    """Return the engine's configuration of a shard."""
    import qdrant_edge as edge

    return edge.EdgeConfig(
        vectors=_vectors(asked) or None,
        sparse_vectors={name: _sparse(params) for name, params in (asked.sparse_vectors or {}).items()}
        or None,
        on_disk_payload=asked.on_disk_payload,
        payload_memory=_memory(asked.payload),
        id_tracker_memory=_memory(asked.id_tracker),
        hnsw_config=_hnsw(asked.hnsw_config),
        quantization_config=_quantization(asked.quantization_config),
        optimizers=_optimizers(asked.optimizers_config),
    )


def hnsw_settings(*diffs: "models.HnswConfigDiff | None") -> dict[str, Any]:
    """Return the HNSW parameters in force: the defaults, overridden by each diff in turn."""
    settings = dict(HNSW_DEFAULTS)
    for diff in diffs:
        if diff is not None:
            settings.update({name: value for name, value in diff if value is not None})
    return settings


def optimizer_settings(diff: "models.OptimizersConfigDiff | None") -> dict[str, Any]:
    """Return the optimizer parameters in force."""
    given = {} if diff is None else {name: value for name, value in diff if value is not None}
    return OPTIMIZER_DEFAULTS | given


def vector_params(asked: "models.CreateCollection") -> "dict[str, models.VectorParams]":
    """Return the dense vectors by name; the unnamed one has the name ''."""
    if isinstance(asked.vectors, dict):
        return asked.vectors
    return {} if asked.vectors is None else {"": asked.vectors}


def _vectors(asked: "models.CreateCollection") -> "dict[str, edge.EdgeVectorParams]":
    return {
        name: _dense(params, shared_hnsw=asked.hnsw_config) for name, params in vector_params(asked).items()
    }


def _dense(
    params: "models.VectorParams", *, shared_hnsw: "models.HnswConfigDiff | None"
) -> "edge.EdgeVectorParams":
    import qdrant_edge as edge

    multivector = params.multivector_config
    return edge.EdgeVectorParams(
        size=params.size,
        distance=engine_enum(edge.Distance, params.distance),
        on_disk=params.on_disk,
        memory=None if params.memory is None else engine_enum(edge.Memory, params.memory),
        datatype=None
        if params.datatype is None
        else engine_enum(edge.VectorStorageDatatype, params.datatype),
        multivector_config=None
        if multivector is None
        else edge.MultiVectorConfig(engine_enum(edge.MultiVectorComparator, multivector.comparator)),
        quantization_config=_quantization(params.quantization_config),
        hnsw_config=None if params.hnsw_config is None else _hnsw(shared_hnsw, params.hnsw_config),
    )


def _sparse(params: "models.SparseVectorParams") -> "edge.EdgeSparseVectorParams":
    import qdrant_edge as edge

    modifier = params.modifier
    has_modifier = modifier is not None and modifier.value != "none"
    settings: dict[str, Any] = {"modifier": engine_enum(edge.Modifier, modifier) if has_modifier else None}
    if params.index is None:
        return edge.EdgeSparseVectorParams(**settings)
    settings |= {name: value for name, value in params.index if value is not None}
    if "datatype" in settings:
        settings["datatype"] = engine_enum(edge.VectorStorageDatatype, settings["datatype"])
    if "memory" in settings:
        settings["memory"] = engine_enum(edge.Memory, settings["memory"])
    return edge.EdgeSparseVectorParams(**settings)


def _hnsw(*diffs: "models.HnswConfigDiff | None") -> "edge.HnswIndexConfig":
    import qdrant_edge as edge

    settings = hnsw_settings(*diffs)
    if "memory" in settings:
        settings["memory"] = engine_enum(edge.Memory, settings["memory"])
    return edge.HnswIndexConfig(**settings)


def _optimizers(diff: "models.OptimizersConfigDiff | None") -> "edge.EdgeOptimizersConfig":
    import qdrant_edge as edge

    settings = optimizer_settings(diff)
    # Zero means "choose by the number of processors" to Qdrant; the engine says the same with None.
    settings["default_segment_number"] = settings["default_segment_number"] or None
    return edge.EdgeOptimizersConfig(**{name: settings.get(name) for name in _ENGINE_OPTIMIZER_FIELDS})


def _memory(params: "models.PayloadStorageParams | models.IdTrackerParams | None") -> "edge.Memory | None":
    import qdrant_edge as edge

    return None if params is None or params.memory is None else engine_enum(edge.Memory, params.memory)


def _quantization(asked: "models.QuantizationConfig | None") -> "edge.QuantizationConfigType | None":
    import qdrant_edge as edge
    from qdrant_client.http import models

    match asked:
        case None:
            return None
        case models.ScalarQuantization(scalar=params):
            return _scalar(params)
        case models.ProductQuantization(product=params):
            return engine_params(
                edge.ProductQuantizationConfig, params, compression=edge.CompressionRatio, memory=edge.Memory
            )
        case models.BinaryQuantization(binary=params):
            return engine_params(
                edge.BinaryQuantizationConfig,
                params,
                memory=edge.Memory,
                encoding=edge.BinaryQuantizationEncoding,
                query_encoding=edge.BinaryQuantizationQueryEncoding,
            )
        case models.TurboQuantization(turbo=params):
            return engine_params(
                edge.TurboQuantQuantizationConfig, params, memory=edge.Memory, bits=edge.TurboQuantBitSize
            )
        case _:
            raise ApiError(501, f"Not implemented: the engine has no quantization `{type(asked).__name__}`")


def _scalar(params: "models.ScalarQuantizationConfig") -> "edge.ScalarQuantizationConfig":
    import qdrant_edge as edge

    return edge.ScalarQuantizationConfig(
        type=engine_enum(edge.ScalarType, params.type),
        quantile=params.quantile,
        always_ram=params.always_ram,
        memory=None if params.memory is None else engine_enum(edge.Memory, params.memory),
    )
