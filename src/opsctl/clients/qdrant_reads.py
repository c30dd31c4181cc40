"""What do a search and its answer look like as Qdrant's JSON: written and read without a model of each point.

A feed reads about a hundred points with their vectors; models of them cost more than the search itself.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from opsctl.clients.qdrant_values import Filter, PointId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a search answered, best first; `vectors` has a row for each point, or is None where none were asked for."""

    ids: tuple[PointId, ...]
    scores: tuple[float, ...]
    vectors: "Matrix | None"
    engine_seconds: float


def search_body(
    vector: "Vector",
    *,
    limit: int,
    filter: Filter | None,  # noqa: A002 - Qdrant's own word
    using: str | None,
    with_vectors: bool,
) -> bytes:
    """Return the body of a search."""
    asked: dict[str, Any] = {"query": vector, "limit": limit, "with_payload": False}
    if filter is not None:
        asked["filter"] = dict(filter)
    if using:
        asked["using"] = using
    if with_vectors:
        asked["with_vector"] = _wanted(using)
    return orjson.dumps(asked, option=orjson.OPT_SERIALIZE_NUMPY)


def retrieve_body(ids: Sequence[PointId], *, using: str | None) -> bytes:
    """Return the body of a read of vectors."""
    return orjson.dumps({"ids": list(ids), "with_payload": False, "with_vector": _wanted(using)})


def read_scored(body: bytes, *, using: str | None, with_vectors: bool) -> Scored:
    """Read the answer to a search.

    Raises:
        ValueError: it is not Qdrant's.
    """
    document = _loads(body)
    try:
        points = document["result"]["points"]
        return Scored(
            ids=tuple([point["id"] for point in points]),
            scores=tuple([point["score"] for point in points]),
            vectors=matrix_of([_vector(point, using) for point in points]) if with_vectors else None,
            engine_seconds=float(document.get("time") or 0.0),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no list of scored points: {type(error).__name__} {error}") from error


def read_vectors(body: bytes, *, using: str | None) -> "dict[PointId, Vector]":
    """Read the answer to a read of vectors; points without that vector are left out.

    Raises:
        ValueError: it is not Qdrant's.
    """
    document = _loads(body)
    try:
        found = {point["id"]: _vector(point, using) for point in document["result"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no list of points: {type(error).__name__} {error}") from error
    present = {point_id: vector for point_id, vector in found.items() if vector}
    return dict(zip(present, matrix_of(list(present.values())), strict=True))


def matrix_of(rows: Sequence[Sequence[float]]) -> "Matrix":
    """Return equally long rows as one matrix of float32; `struct` does it in a third of NumPy's time.

    >>> matrix_of([[1.0, 2.0], [3.0, 0.5]]).tolist()
    [[1.0, 2.0], [3.0, 0.5]]

    Raises:
        ValueError: the rows are not all numbers of float32's range, or not of one length.
    """
    import numpy as np

    if not rows:
        return np.empty((0, 0), np.float32)
    try:
        row = _row(len(rows[0]))
        packed = bytearray().join([row.pack(*each) for each in rows])
    except (struct.error, TypeError, OverflowError) as error:
        raise ValueError(f"no vectors of one length: {error}") from error
    return np.frombuffer(packed, np.float32).reshape(len(rows), -1)


@cache
def _row(length: int) -> struct.Struct:
    return struct.Struct(f"={length}f")


def _loads(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error}") from error


def _vector(point: dict[str, Any], using: str | None) -> Any:
    vector = point["vector"]
    return vector.get(using) if isinstance(vector, dict) else vector


def _wanted(using: str | None) -> bool | list[str]:
    return [using] if using else True
