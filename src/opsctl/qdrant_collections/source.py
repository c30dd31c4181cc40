"""Is the source there, and does it have the vectors that the book and the embedding expect?"""

from collections.abc import Collection, Mapping
from typing import Any

from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.errors import NotReadyError, RefusedError
from opsctl.qdrant_collections.model import Source
from opsctl.qdrant_collections.store import VectorStore


def read_source(
    source: Source, *, store: VectorStore, collections: Collection[str], aliases: Mapping[str, str]
) -> CollectionState:
    """Return the state of the collection that the source's name leads to.

    Raises:
        NotReadyError: when neither a collection nor an alias has this name.
    """
    name = aliases.get(source.collection, source.collection)
    if name not in collections:
        known = ", ".join(sorted([*collections, *aliases])) or "no collection at all"
        raise NotReadyError(
            f"the source collection `{source.collection}` does not exist",
            code="COL015",
            why=f"the server has {known}",
            fix="run `opsctl catalog generate` or `opsctl catalog import`, or correct `source.collection`",
        )
    return store.collection(name)


def check_dimension(source: Source, *, source_state: CollectionState, expected: int | None) -> int:
    """Return the length of the source's vectors.

    Raises:
        RefusedError: when the vector is not there, or its length is not what the book or embedding says.
    """
    vectors = source_state.vectors
    params = vectors.get(source.vector or "")
    if params is None:
        named = ", ".join(f"`{name}`" for name in vectors) or "none"
        raise RefusedError(
            f"the source `{source_state.name}` has no vector "
            + (f"`{source.vector}`" if source.vector else "without a name"),
            code="COL019",
            why=f"its vectors: {named}",
            fix="set `source.vector` in the book to one of them",
        )
    _compare(
        params["size"], source.dimension, place="the book says `source.dimension`", name=source_state.name
    )
    _compare(params["size"], expected, place="the embedding makes vectors of length", name=source_state.name)
    return int(params["size"])


def embedding_of(source: CollectionState) -> Any:
    """Return what the source notes about its embedding, so that it travels on."""
    return source.metadata.get("embedding")


def watermark_of(source: CollectionState) -> Any:
    """Return what the source notes about how far it follows the database."""
    return source.metadata.get("watermark")


def _compare(actual: int, expected: int | None, *, place: str, name: str) -> None:
    if expected is None or actual == expected:
        return
    raise RefusedError(
        f"the vectors of `{name}` have length {actual}; {place} {expected}",
        code="COL019",
        why="searches with vectors of another length are refused by the engine",
        fix="correct the book or the `embedding` settings, or build the source anew with this embedding",
    )
