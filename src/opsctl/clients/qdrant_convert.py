"""What our own values are in qdrant-client's models, and the other way round."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opsctl.clients.qdrant_values import (
    AliasAction,
    CollectionState,
    DropAlias,
    Filter,
    Found,
    Point,
    Query,
    SetAlias,
)

if TYPE_CHECKING:
    from qdrant_client import models


def to_filter(filter: Filter | None) -> "models.Filter | None":  # noqa: A002 - Qdrant's own word
    """Return qdrant-client's model of a filter in REST words."""
    from qdrant_client import models

    return None if filter is None else models.Filter.model_validate(dict(filter))


def query_request(query: Query) -> "models.QueryRequest":
    """Return the request of a search."""
    from qdrant_client import models

    acorn = models.AcornSearchParams(enable=True) if query.acorn else None
    return models.QueryRequest(
        query=query.vector if isinstance(query.vector, list) else [float(number) for number in query.vector],
        using=query.using or None,
        filter=to_filter(query.filter),
        params=models.SearchParams(exact=query.exact, hnsw_ef=query.hnsw_ef, acorn=acorn),
        limit=query.limit,
        with_payload=query.with_payload,
    )


def state(name: str, info: dict[str, Any]) -> CollectionState:
    """Return what a collection says, from the plain form of its info."""
    optimizer = info["optimizer_status"]
    return CollectionState(
        name=name,
        status=info["status"],
        optimizer_status=optimizer if isinstance(optimizer, str) else str(optimizer["error"]),
        points_count=info.get("points_count") or 0,
        indexed_vectors_count=info.get("indexed_vectors_count") or 0,
        segments_count=info["segments_count"],
        config=info["config"],
        payload_schema=info.get("payload_schema") or {},
        pending_updates=(info.get("update_queue") or {}).get("length", 0),
    )


def point(record: Any) -> Point:
    """Return a record or hit as a plain point."""
    vector = record.vector
    point: Point = {"id": plain_id(record.id), "payload": record.payload}
    if vector is not None:
        point["vector"] = (
            {
                name: each.model_dump() if hasattr(each, "model_dump") else each
                for name, each in vector.items()
            }
            if isinstance(vector, dict)
            else vector
        )
    return point


def plain_id(point_id: Any) -> Any:
    """Return a point id as a number or text."""
    return point_id if point_id is None or isinstance(point_id, int) else str(point_id)


def alias_operation(action: AliasAction) -> "models.AliasOperations":
    """Return one alias action."""
    from qdrant_client import models

    match action:
        case SetAlias():
            create = models.CreateAlias(alias_name=action.alias, collection_name=action.collection)
            return models.CreateAliasOperation(create_alias=create)
        case DropAlias():
            return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=action.alias))


def found(hits: Sequence[Any], *, engine_seconds: float, client_seconds: float) -> Found:
    """Return the hits of a search with its times."""
    return Found(
        ids=tuple(plain_id(hit.id) for hit in hits),
        scores=tuple(hit.score for hit in hits),
        payloads=tuple(hit.payload for hit in hits),
        engine_seconds=engine_seconds,
        client_seconds=client_seconds,
    )
