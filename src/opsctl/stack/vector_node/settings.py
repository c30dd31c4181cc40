"""Which create and update parameters a collection accepts on one machine, and what its info shows of them."""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.convert_config import WAL, hnsw_settings, optimizer_settings, vector_params

if TYPE_CHECKING:
    from pydantic import BaseModel
    from qdrant_client.http import models

_COPIES = ("shard_number", "replication_factor", "write_consistency_factor")
_SHOWN_PARAMS = ("vectors", "sparse_vectors", "on_disk_payload", "payload", "id_tracker", *_COPIES)


def check_supported(asked: "models.CreateCollection") -> None:
    """Refuse parameters that the engine cannot honour, instead of ignoring them."""
    for name in _COPIES:
        value = getattr(asked, name)
        if value is not None and value != 1:
            raise ApiError(
                400, f"Bad request: {name}={value}, but the vector node is one machine; only 1 works here"
            )
    if asked.sharding_method not in {None, "auto"}:
        raise ApiError(
            400, "Bad request: the vector node is one machine; custom sharding needs a Qdrant cluster"
        )
    _check_wal(asked.wal_config)
    if asked.strict_mode_config is not None and asked.strict_mode_config.enabled:
        raise ApiError(400, "Bad request: the vector node has no strict mode")
    optimizers = asked.optimizers_config
    if optimizers is not None and optimizers.memmap_threshold is not None:
        raise ApiError(
            400, "Bad request: the engine has no memmap_threshold; set `on_disk` or `memory` on the vectors"
        )
    if optimizers is not None and optimizers.prevent_unoptimized:
        raise ApiError(
            400, "Bad request: the vector node cannot hold back unoptimized points (prevent_unoptimized)"
        )
    _check_sizes(asked)


def merged(
    current: "models.CreateCollection", change: "models.UpdateCollection"
) -> "models.CreateCollection":
    """Return the parameters after a PATCH; a part that is not given stays as it was."""
    from qdrant_client.http import models

    params = change.params
    if params is not None and (params.read_fan_out_factor or params.read_fan_out_delay_ms):
        raise ApiError(
            400, "Bad request: the vector node is one machine; read_fan_out needs a Qdrant cluster"
        )
    if change.sparse_vectors is not None:
        raise ApiError(501, "Not implemented: the engine cannot change sparse vectors of a collection")
    document = _plain(current)
    update = _plain(change)
    for name in ("hnsw_config", "optimizers_config", "strict_mode_config", "metadata"):
        if name in update:
            document[name] = document.get(name, {}) | update[name]
    document |= update.get("params", {})
    if "quantization_config" in update:
        document["quantization_config"] = _unless_disabled(update["quantization_config"])
    for name, diff in update.get("vectors", {}).items():
        _merge_vector(document, name=name, diff=diff)
    return models.CreateCollection.model_validate(document)


def shown_config(asked: "models.CreateCollection") -> dict[str, Any]:
    """Return the `config` part of the collection's info."""
    document = _plain(asked)
    params = {
        "shard_number": 1,
        "replication_factor": 1,
        "write_consistency_factor": 1,
        "on_disk_payload": True,
    }
    params |= {name: document[name] for name in _SHOWN_PARAMS if name in document}
    config = {
        "params": params,
        "hnsw_config": hnsw_settings(asked.hnsw_config),
        "optimizer_config": optimizer_settings(asked.optimizers_config),
        "wal_config": WAL,
        "quantization_config": document.get("quantization_config"),
    }
    return config | ({"metadata": document["metadata"]} if "metadata" in document else {})


def _check_wal(asked: "models.WalConfigDiff | None") -> None:
    given = {} if asked is None else {name: value for name, value in asked if value is not None}
    refused = {name: value for name, value in given.items() if WAL.get(name, 1) != value}
    if refused:
        raise ApiError(
            400, f"Bad request: the engine's write-ahead log is fixed at {WAL}; cannot set {refused}"
        )


def _check_sizes(asked: "models.CreateCollection") -> None:
    dense = vector_params(asked)
    if not dense and not asked.sparse_vectors:
        raise ApiError(400, "Bad request: a collection needs at least one vector, dense or sparse")
    for name, params in dense.items():
        if not 1 <= params.size <= 65_536:  # Qdrant's own limits
            raise ApiError(
                422, f"Validation error: vector `{name}`: size {params.size} is not within 1 to 65536"
            )


def _merge_vector(document: dict[str, Any], *, name: str, diff: dict[str, Any]) -> None:
    vectors = document.get("vectors", {})
    target = vectors if name == "" and "size" in vectors else vectors.get(name)
    if target is None:
        raise ApiError(400, f"Wrong input: Not existing vector name error: {name}")
    if "quantization_config" in diff:
        diff = diff | {"quantization_config": _unless_disabled(diff["quantization_config"])}
    if "hnsw_config" in diff:
        diff = diff | {"hnsw_config": target.get("hnsw_config", {}) | diff["hnsw_config"]}
    target.update(diff)


def _unless_disabled(value: Any) -> Any:
    return None if value == "Disabled" else value


def _plain(model: "BaseModel") -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True)
