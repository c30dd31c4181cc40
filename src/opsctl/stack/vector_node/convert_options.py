"""What do the options of a search and a scroll mean to the engine: limits, payloads, parameters, order?"""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.engine_values import engine_enum

if TYPE_CHECKING:
    import qdrant_edge as edge
    from qdrant_client.http import models


DEFAULT_LIMIT = 10


def check_limit(limit: int | None) -> int:
    """Return the limit in force."""
    if limit is None:
        return DEFAULT_LIMIT
    if limit < 1:
        raise ApiError(422, f"Validation error: limit: value {limit} invalid, must be 1 or larger")
    return limit


def payload_selector(asked: "models.WithPayloadInterface | None", *, default: bool) -> Any:
    """Return which payload fields come along."""
    import qdrant_edge as edge
    from qdrant_client.http import models

    match asked:
        case None:
            return default
        case models.PayloadSelectorInclude():
            return edge.PayloadSelector.Include(asked.include)
        case models.PayloadSelectorExclude():
            return edge.PayloadSelector.Exclude(asked.exclude)
        case _:
            return asked


def search_params(asked: "models.SearchParams | None") -> "edge.SearchParams | None":
    """Return the engine's search parameters."""
    import qdrant_edge as edge

    if asked is None:
        return None
    quantization, acorn = asked.quantization, asked.acorn
    if asked.idf is not None:
        raise ApiError(501, "Not implemented: the vector node does not take `params.idf`")
    return edge.SearchParams(
        hnsw_ef=asked.hnsw_ef,
        exact=asked.exact or False,
        indexed_only=asked.indexed_only or False,
        quantization=None
        if quantization is None
        else edge.QuantizationSearchParams(
            ignore=quantization.ignore or False,
            rescore=quantization.rescore,
            oversampling=quantization.oversampling,
        ),
        acorn=None
        if acorn is None
        else edge.AcornSearchParams(enable=acorn.enable or False, max_selectivity=acorn.max_selectivity),
    )


def order_by(asked: "models.OrderByInterface") -> "edge.OrderBy":
    """Return the engine's order."""
    import qdrant_edge as edge

    if isinstance(asked, str):
        return edge.OrderBy(asked)
    start: Any = asked.start_from
    return edge.OrderBy(
        asked.key,
        direction=None if asked.direction is None else engine_enum(edge.Direction, asked.direction),
        start_from=start if start is None or isinstance(start, int | float) else start.isoformat(),
    )
