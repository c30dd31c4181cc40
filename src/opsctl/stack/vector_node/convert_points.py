"""What a write request asks of the engine: the list of its update operations, also when it is replayed."""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.convert_filter import engine_filter
from opsctl.stack.vector_node.convert_index import engine_index
from opsctl.stack.vector_node.convert_vectors import engine_vectors
from opsctl.stack.vector_node.engine_values import engine_enum
from opsctl.stack.vector_node.fast_points import fast_points
from opsctl.stack.vector_node.parsing import (
    check_depth,
    parse_json,
    parse_model,
    refuse_shard_key,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import qdrant_edge as edge
    from qdrant_client.http import models


def parse_write(operation: str, *, args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    """Return the engine's operations for the write request `operation` (one of WRITES)."""
    return WRITES[operation](args, body)


def _upsert(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge
    from qdrant_client.http import models

    document = parse_json(body)
    points = fast_points(document)
    if points is not None:
        return [edge.UpdateOperation.upsert_points(points)]
    if isinstance(document, dict) and "batch" in document:
        return [_upsert_operation(validate(models.PointsBatch, document))]
    return [_upsert_operation(validate(models.PointsList, document))]


def _upsert_operation(asked: "models.PointsBatch | models.PointsList") -> "edge.UpdateOperation":
    import qdrant_edge as edge
    from qdrant_client.http import models

    refuse_shard_key(asked.shard_key)
    rows = _batch_rows(asked.batch) if isinstance(asked, models.PointsBatch) else asked.points
    for row in rows:
        check_depth(row.payload)
    points = [edge.Point(row.id, engine_vectors(row.vector), row.payload) for row in rows]
    mode = None if asked.update_mode is None else engine_enum(edge.UpdateMode, asked.update_mode)
    return edge.UpdateOperation.upsert_points(points, engine_filter(asked.update_filter), mode)


def _batch_rows(batch: "models.Batch") -> "list[models.PointStruct]":
    from qdrant_client.http import models

    count = len(batch.ids)
    vectors: list[Any]
    if isinstance(batch.vectors, dict):
        columns = batch.vectors
        if any(len(column) != count for column in columns.values()):
            raise ApiError(400, "Wrong input: ids and vectors of the batch differ in number")
        vectors = [{name: column[row] for name, column in columns.items()} for row in range(count)]
    else:
        vectors = list(batch.vectors)
    payloads: list[Any] = [None] * count if batch.payloads is None else list(batch.payloads)
    if not len(vectors) == len(payloads) == count:
        raise ApiError(400, "Wrong input: ids, vectors and payloads of the batch differ in number")
    return [
        models.PointStruct.model_construct(id=point_id, vector=vector, payload=payload)
        for point_id, vector, payload in zip(batch.ids, vectors, payloads, strict=True)
    ]


def _delete(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    return [_delete_operation(_selector(body))]


def _delete_operation(asked: "models.PointIdsList | models.FilterSelector") -> "edge.UpdateOperation":
    import qdrant_edge as edge
    from qdrant_client.http import models

    refuse_shard_key(asked.shard_key)
    if isinstance(asked, models.PointIdsList):
        return edge.UpdateOperation.delete_points(asked.points)
    return edge.UpdateOperation.delete_points_by_filter(_given(engine_filter(asked.filter)))


def _clear_payload(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    return [_clear_operation(_selector(body))]


def _clear_operation(asked: "models.PointIdsList | models.FilterSelector") -> "edge.UpdateOperation":
    import qdrant_edge as edge
    from qdrant_client.http import models

    refuse_shard_key(asked.shard_key)
    if isinstance(asked, models.PointIdsList):
        return edge.UpdateOperation.clear_payload(asked.points)
    return edge.UpdateOperation.clear_payload_by_filter(_given(engine_filter(asked.filter)))


def _set_payload(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    from qdrant_client.http import models

    return _set_operations(parse_model(models.SetPayload, body))


def _set_operations(asked: "models.SetPayload") -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge

    update = edge.UpdateOperation
    refuse_shard_key(asked.shard_key)
    check_depth(asked.payload, below=_levels(asked.key))
    if asked.points is not None:
        return [update.set_payload(asked.points, asked.payload, asked.key)]
    return [update.set_payload_by_filter(_given(engine_filter(asked.filter)), asked.payload, asked.key)]


def _levels(key: str | None) -> int:
    """Return how many levels, at most, a path such as `a.b[0]` puts above what is set there."""
    return 0 if key is None else 1 + key.count(".") + key.count("[")


def _overwrite_payload(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    from qdrant_client.http import models

    return _overwrite_operations(parse_model(models.SetPayload, body))


def _overwrite_operations(asked: "models.SetPayload") -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge

    update = edge.UpdateOperation
    refuse_shard_key(asked.shard_key)
    check_depth(asked.payload, below=_levels(asked.key))
    if asked.points is not None:
        return [update.overwrite_payload(asked.points, asked.payload, asked.key)]
    return [update.overwrite_payload_by_filter(_given(engine_filter(asked.filter)), asked.payload, asked.key)]


def _delete_payload(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    from qdrant_client.http import models

    return _delete_payload_operations(parse_model(models.DeletePayload, body))


def _delete_payload_operations(asked: "models.DeletePayload") -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge

    refuse_shard_key(asked.shard_key)
    if asked.points is not None:
        return [edge.UpdateOperation.delete_payload(asked.points, asked.keys)]
    return [edge.UpdateOperation.delete_payload_by_filter(_given(engine_filter(asked.filter)), asked.keys)]


def _update_vectors(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    from qdrant_client.http import models

    return _update_vectors_operations(parse_model(models.UpdateVectors, body))


def _update_vectors_operations(asked: "models.UpdateVectors") -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge

    refuse_shard_key(asked.shard_key)
    rows = [edge.PointVectors(row.id, engine_vectors(row.vector)) for row in asked.points]
    return [edge.UpdateOperation.update_vectors(rows, engine_filter(asked.update_filter))]


def _delete_vectors(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    from qdrant_client.http import models

    return _delete_vectors_operations(parse_model(models.DeleteVectors, body))


def _delete_vectors_operations(asked: "models.DeleteVectors") -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge

    refuse_shard_key(asked.shard_key)
    if asked.points is not None:
        return [edge.UpdateOperation.delete_vectors(asked.points, asked.vector)]
    chosen = _given(engine_filter(asked.filter))
    return [edge.UpdateOperation.delete_vectors_by_filter(chosen, asked.vector)]


def _batch(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    from qdrant_client.http import models

    asked = parse_model(models.UpdateOperations, body)
    return [operation for each in asked.operations for operation in _batch_part(each)]


def _batch_part(asked: "models.UpdateOperation") -> "list[edge.UpdateOperation]":  # noqa: PLR0911 - one line for each kind
    from qdrant_client.http import models

    match asked:
        case models.UpsertOperation():
            return [_upsert_operation(asked.upsert)]
        case models.DeleteOperation():
            return [_delete_operation(asked.delete)]
        case models.SetPayloadOperation():
            return _set_operations(asked.set_payload)
        case models.OverwritePayloadOperation():
            return _overwrite_operations(asked.overwrite_payload)
        case models.DeletePayloadOperation():
            return _delete_payload_operations(asked.delete_payload)
        case models.ClearPayloadOperation():
            return [_clear_operation(asked.clear_payload)]
        case models.UpdateVectorsOperation():
            return _update_vectors_operations(asked.update_vectors)
        case models.DeleteVectorsOperation():
            return _delete_vectors_operations(asked.delete_vectors)


def _create_index(_args: dict[str, Any], body: bytes) -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge
    from qdrant_client.http import models

    asked = parse_model(models.CreateFieldIndex, body)
    if asked.field_schema is None:
        raise ApiError(
            400, "Bad request: `field_schema` is missing; the engine does not guess the type of a field"
        )
    return [edge.UpdateOperation.create_field_index(asked.field_name, engine_index(asked.field_schema))]


def _delete_index(args: dict[str, Any], _body: bytes) -> "list[edge.UpdateOperation]":
    import qdrant_edge as edge

    return [edge.UpdateOperation.delete_field_index(args["field"])]


def _selector(body: bytes) -> "models.PointIdsList | models.FilterSelector":
    from qdrant_client.http import models

    document = parse_json(body)
    if isinstance(document, dict) and "filter" in document:
        return validate(models.FilterSelector, document)
    return validate(models.PointIdsList, document)


def _given(chosen: "edge.Filter | None") -> "edge.Filter":
    if chosen is None:
        raise ApiError(422, "Validation error: Either list of point ids or filter must be provided")
    return chosen


WRITES: "dict[str, Callable[[dict[str, Any], bytes], list[edge.UpdateOperation]]]" = {
    "upsert": _upsert,
    "delete": _delete,
    "set_payload": _set_payload,
    "overwrite_payload": _overwrite_payload,
    "delete_payload": _delete_payload,
    "clear_payload": _clear_payload,
    "update_vectors": _update_vectors,
    "delete_vectors": _delete_vectors,
    "batch": _batch,
    "create_index": _create_index,
    "delete_index": _delete_index,
}
