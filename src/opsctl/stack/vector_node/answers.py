"""How the engine's answers are written as Qdrant's JSON: floats as the shortest text of a float32."""

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

    import qdrant_edge as edge

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


def envelope(result: Any, *, seconds: float) -> bytes:
    """Return Qdrant's answer document; `time` is what the engine itself needed."""
    return orjson.dumps({"result": result, "status": "ok", "time": seconds, "usage": None}, option=_OPTIONS)


def record(found: "edge.Record") -> dict[str, Any]:
    """Return a record of a scroll or a retrieve."""
    shown: dict[str, Any] = {"id": found.id, "payload": found.payload}
    vector = found.vector
    if vector is not None:
        shown["vector"] = _vectors(vector)
    if found.order_value is not None:
        shown["order_value"] = found.order_value
    return shown


def scored_points(found: "Iterable[edge.ScoredPoint]") -> dict[str, Any]:
    """Return the result of one query."""
    return {"points": [_scored(each) for each in found]}


def _scored(found: "edge.ScoredPoint") -> dict[str, Any]:
    import numpy as np

    shown: dict[str, Any] = {"id": found.id, "version": found.version, "score": np.float32(found.score)}
    payload, vector = found.payload, found.vector
    if payload is not None:
        shown["payload"] = payload
    if vector is not None:
        shown["vector"] = _vectors(vector)
    if found.order_value is not None:
        shown["order_value"] = found.order_value
    return shown


def _vectors(vector: Any) -> Any:
    if isinstance(vector, dict):
        return {name: _vector(each) for name, each in vector.items()}
    return _vector(vector)


def _vector(vector: Any) -> Any:
    import numpy as np

    if isinstance(vector, list):
        return np.asarray(vector, dtype=np.float32)
    return {"indices": vector.indices, "values": np.asarray(vector.values, dtype=np.float32)}
