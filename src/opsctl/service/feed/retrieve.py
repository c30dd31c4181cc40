"""Which items may a feed show: the nearest ones of the request's combination, and wider only where that is empty."""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Protocol

from opsctl.clients.qdrant_async import Hits
from opsctl.clients.qdrant_values import Filter
from opsctl.core.errors import OpsError
from opsctl.metrics import service as metrics
from opsctl.service.feed.routes import DERIVED, Route, Routes
from opsctl.service.feed.values import Retrieved, Vector
from opsctl.service.telemetry.meters import Meters

_NOT_THERE = "COL006"
# An alias that was not there is tried again after this time.
_RETRY_SECONDS = 30.0


class Searching(Protocol):
    """The part of `AsyncQdrantSearcher` that is needed here."""

    async def search(
        self,
        collection: str,
        *,
        vector: Vector,
        limit: int,
        filter: Filter | None = None,  # noqa: A002 - Qdrant's own word
        with_vectors: bool = False,
    ) -> Hits:
        """Return the nearest points."""
        ...


class Retriever:
    """Finds candidates.

    Args:
        searcher: the vector database.
        routes: where to look.
        meters: what is counted.
        steady: a monotonic clock.
        with_vectors: bring the vectors along with the hits; faster only where no cache holds them.
    """

    def __init__(
        self,
        searcher: Searching,
        *,
        routes: Routes,
        meters: Meters,
        steady: Callable[[], float],
        with_vectors: bool,
    ) -> None:
        self._searcher = searcher
        self._routes = routes
        self._meters = meters
        self._steady = steady
        self._with_vectors = with_vectors
        self._missing_until: dict[str, float] = {}

    async def retrieve(
        self,
        vector: Vector,
        *,
        region: str | None,
        category: str | None,
        candidates: int,
        needed: int,
        hidden: frozenset[int] = frozenset(),
    ) -> Retrieved:
        """Return up to `candidates` items, from wider routes only when there is none at all.

        Within what was asked for, a derived collection that holds fewer than `needed` is topped up from the source.
        """
        found: dict[int, Vector | None] = {}
        notes: list[str] = []
        first: Route | None = None
        for route in self._routes.of(region=region, category=category):
            if found and (route.level > 0 or len(found) >= needed):
                break
            hits = await self._search(route, vector=vector, limit=candidates + len(hidden), notes=notes)
            fresh = [hit for hit in _pairs(hits) if hit[0] not in hidden and hit[0] not in found]
            if not fresh:
                continue
            if found:
                notes.append(f"topped up from {route.collection}")
            elif route.level > 0:
                notes.append(f"widened to {route.scope}")
            first = first or route
            found.update(fresh[: candidates - len(found)])
        return Retrieved(
            ids=tuple(found),
            path=first.path if first else "",
            region=first.region if first else None,
            category=first.category if first else None,
            vectors={item: each for item, each in found.items() if each is not None},
            notes=tuple(notes),
        )

    async def _search(self, route: Route, *, vector: Vector, limit: int, notes: list[str]) -> Hits | None:
        if self._missing_until.get(route.collection, 0.0) > self._steady():
            return None
        try:
            hits = await self._searcher.search(
                route.collection,
                vector=vector,
                limit=limit,
                filter=route.filter,
                with_vectors=self._with_vectors,
            )
        except OpsError as error:
            self._meters.count(metrics.VECTOR_ERRORS, route.path)
            if route.path != DERIVED or error.code != _NOT_THERE:
                raise
            # Not built yet, or being collected: the source answers.
            self._missing_until[route.collection] = self._steady() + _RETRY_SECONDS
            notes.append(f"no {route.collection}")
            return None
        self._meters.observe(metrics.VECTOR_SEARCH_SECONDS, route.path, value=hits.client_seconds)
        return hits


def _pairs(hits: Hits | None) -> Sequence[tuple[int, Vector | None]]:
    if hits is None:
        return ()
    vectors: Iterable[Vector | None] = repeat(None, len(hits.ids)) if hits.vectors is None else hits.vectors
    return [(int(item), each) for item, each in zip(hits.ids, vectors, strict=True)]
