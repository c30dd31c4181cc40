"""How the common upsert, a list of points with one unnamed dense vector each, is parsed without models."""

from typing import TYPE_CHECKING, Any

from opsctl.stack.vector_node.parsing import check_depth, check_finite

if TYPE_CHECKING:
    import qdrant_edge as edge

_NUMBERS = frozenset({float, int})
_SHAPES = (frozenset({"id", "vector", "payload"}), frozenset({"id", "vector"}))


def fast_points(document: Any) -> "list[edge.Point] | None":
    """Return the engine's points, or None when the models must look at the document.

    It accepts only what the models accept too; pydantic's unions cost ten times the engine's own work here.
    """
    import qdrant_edge as edge

    if (
        not isinstance(document, dict)
        or document.keys() != {"points"}
        or not isinstance(document["points"], list)
    ):
        return None
    points = []
    for row in document["points"]:
        if not _is_plain(row):
            return None
        check_finite(row["vector"])
        check_depth(row.get("payload"))
        points.append(edge.Point(row["id"], row["vector"], row.get("payload")))
    return points


def _is_plain(row: Any) -> bool:
    if type(row) is not dict or row.keys() not in _SHAPES:
        return False
    vector, payload = row["vector"], row.get("payload")
    return (
        type(row["id"]) in (int, str)
        and type(vector) is list
        and set(map(type, vector)) <= _NUMBERS
        and (payload is None or type(payload) is dict)
    )
