"""Does the vector database know what it holds: popular items, each of which is to be near its own vector."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.service.feed.values import Vector

_PROBES = 5
# Popular items may have no vector yet: so many are asked for, that there are enough with one.
_ASKED_FOR = 2 * _PROBES
# HNSW is approximate and items may have equal vectors: an item is to be among the first few, and most items are to be.
_AMONG = 10
_LEAST_FOUND = 0.6


class _AnotherItemError(Exception):
    """One item was asked for by its id, and another one came."""


class KnownItems:
    """Items of which it is known what the vector database must say.

    Args:
        searcher: asks, without any guard.
        collection: the source collection.
        popular: returns ids of items that are shown now, the most popular first.
    """

    def __init__(
        self, searcher: AsyncQdrantSearcher, *, collection: str, popular: Callable[[], Sequence[int]]
    ) -> None:
        self._searcher = searcher
        self._collection = collection
        self._popular = popular
        self._vectors: Mapping[int, Vector] = {}

    async def complaint(self) -> str:
        """Return what the database says wrongly; empty where that is nothing, or nothing is known.

        Raises:
            OpsError: there is no answer.
        """
        try:
            if not self._vectors:
                self._vectors = await self._read_popular()
            wrong = await self._not_found(self._vectors)
            return await self._second_look(wrong) if wrong else ""
        except _AnotherItemError as error:
            return str(error)

    async def learn_anew(self) -> str:
        """Know what is popular now, unless the database contradicts itself; return the complaint.

        Raises:
            OpsError: there is no answer.
        """
        try:
            fresh = await self._read_popular()
            wrong = await self._not_found(fresh)
        except _AnotherItemError as error:
            return str(error)
        if not fresh and self._popular():
            return "no popular item is in it"
        if not wrong:
            self._vectors = fresh
        return wrong

    async def _second_look(self, wrong: str) -> str:
        """Look again with the vectors that the items have now: they may have changed or gone since they were learnt."""
        fresh = await self._read(self._vectors)
        if not fresh:
            return await self.learn_anew()
        if not any(_is_same(vector, self._vectors[item]) for item, vector in fresh.items()):
            # Changes come one by one. Where nothing is as it was, this is another collection.
            return f"{wrong}, and each has another vector than before"
        if wrong := await self._not_found(fresh):
            return wrong
        self._vectors = fresh
        await self.learn_anew()  # for those that are gone
        return ""

    async def _not_found(self, vectors: Mapping[int, Vector]) -> str:
        found = await asyncio.gather(*(self._finds(item, vector) for item, vector in vectors.items()))
        if sum(found) >= _LEAST_FOUND * len(found):
            return ""
        return f"{sum(found)} of {len(found)} items are their own nearest neighbours"

    async def _finds(self, item: int, vector: Vector) -> bool:
        hits = await self._searcher.search(self._collection, vector=vector, limit=_AMONG)
        return item in hits.ids

    async def _read_popular(self) -> Mapping[int, Vector]:
        found = await self._read(self._popular()[:_ASKED_FOR])
        return dict(list(found.items())[:_PROBES])

    async def _read(self, items: Iterable[int]) -> dict[int, Vector]:
        items = tuple(items)
        vectors = await asyncio.gather(*(self._read_alone(item) for item in items))
        return {item: vector for item, vector in zip(items, vectors, strict=True) if vector is not None}

    async def _read_alone(self, item: int) -> Vector | None:
        """Return the vector of an item, None where it has none.

        Each is asked for alone: of several that were exchanged among each other nobody could tell.
        """
        found = await self._searcher.vectors(self._collection, [item])
        if found.keys() - {item}:
            raise _AnotherItemError("an item that is asked for by its id is another one")
        return found[item].copy() if found else None


def _is_same(vector: Vector, known: Vector) -> bool:
    return vector.shape == known.shape and np.allclose(vector, known)
