"""What the vectors of a request are to the engine: dense, sparse, several per point, named or not."""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.api_error import ApiError
from opsctl.stack.vector_node.parsing import check_finite

if TYPE_CHECKING:
    import qdrant_edge as edge


def engine_vector(asked: Any) -> "edge.NamedVector":
    """Return one vector: a list, a list of lists, or a sparse vector."""
    import qdrant_edge as edge
    from qdrant_client.http import models

    if isinstance(asked, models.SparseVector):
        check_finite(asked.values)
        if len(asked.indices) != len(asked.values) or len(set(asked.indices)) != len(asked.indices):
            raise ApiError(422, "Validation error: indices must be unique and as many as values")
        return edge.SparseVector(asked.indices, asked.values)
    if not isinstance(asked, list):
        raise ApiError(
            501, "Not implemented: the vector node has no inference; send vectors, not documents or images"
        )
    for row in asked if asked and isinstance(asked[0], list) else [asked]:
        check_finite(row)
    return asked


def engine_vectors(asked: Any) -> "edge.Vector":
    """Return the vectors of a point: one unnamed, or a dictionary of named ones."""
    if isinstance(asked, dict):
        return {name: engine_vector(each) for name, each in asked.items()}
    vector: Any = engine_vector(asked)
    return vector  # type: ignore[no-any-return]
