"""How do feeds ask the vector database: through its guard, once more where that may help, and never believing nonsense."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import numpy as np

from opsctl.clients.qdrant_async import AsyncQdrantSearcher, Hits
from opsctl.clients.qdrant_errors import not_qdrant
from opsctl.clients.qdrant_values import Filter, PointId
from opsctl.core.errors import OpsError
from opsctl.metrics import service as metrics
from opsctl.service.feed.values import Vector
from opsctl.service.resilience.failures import VECTORS
from opsctl.service.resilience.guard import Guard
from opsctl.service.resilience.retry_budget import RetryBudget
from opsctl.service.telemetry.meters import Meters

Answer = TypeVar("Answer")

# The line broke: another one may hold. An answer that is late or a server that is busy gets no second question.
_LINE_BROKE = "COL001"


class GuardedVectors:
    """A searcher behind its guard.

    Args:
        searcher: asks.
        guard: of the vector database.
        budget: of retries, for all calls of this worker together; None repeats whatever may be repeated.
        dimension: length of every vector.
    """

    def __init__(
        self,
        searcher: AsyncQdrantSearcher,
        *,
        guard: Guard,
        budget: RetryBudget | None,
        dimension: int,
        meters: Meters,
    ) -> None:
        self._searcher = searcher
        self._guard = guard
        self._budget = budget
        self._dimension = dimension
        self._meters = meters

    async def search(
        self,
        collection: str,
        *,
        vector: Vector,
        limit: int,
        filter: Filter | None = None,  # noqa: A002 - Qdrant's own word
        with_vectors: bool = False,
    ) -> Hits:
        """Return the nearest points.

        Raises:
            OpsError: no answer, or none that can be one.
        """

        async def ask() -> Hits:
            hits = await self._searcher.search(
                collection, vector=vector, limit=limit, filter=filter, with_vectors=with_vectors
            )
            self._check(hits.scores, vectors=hits.vectors)
            return hits

        return await self._twice(ask)

    async def vectors(self, collection: str, ids: Sequence[PointId]) -> dict[PointId, Vector]:
        """Return the vectors of the points that exist, by id.

        Raises:
            OpsError: no answer, or none that can be one.
        """

        async def ask() -> dict[PointId, Vector]:
            found = await self._searcher.vectors(collection, ids)
            self._check((), vectors=list(found.values()))
            return found

        return await self._twice(ask)

    async def _twice(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            return await self._once(ask)
        except OpsError as error:
            if error.code != _LINE_BROKE:
                raise
            may_retry = self._budget is None or self._budget.may_retry
            self._meters.count(metrics.RETRIES, VECTORS, "retried" if may_retry else "refused")
            if not may_retry:
                raise
        return await self._once(ask)

    async def _once(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            async with self._guard.call():
                answer = await self._read(ask)
        except OpsError as error:
            if error.code == _LINE_BROKE and self._budget is not None:
                self._budget.failed()
            raise
        if self._budget is not None:
            self._budget.succeeded()
        return answer

    async def _read(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            return await ask()
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise self._nonsense(f"{type(error).__name__}: {error}") from error

    def _check(self, scores: Sequence[float], *, vectors: "Sequence[Vector] | np.ndarray | None") -> None:
        if not np.isfinite(scores).all():
            raise self._nonsense("a score is no number")
        if vectors is None or not len(vectors):
            return
        if any(len(vector) != self._dimension for vector in vectors):
            raise self._nonsense(f"a vector does not have {self._dimension} numbers")
        if not all(np.isfinite(vector).all() for vector in vectors):
            raise self._nonsense("a vector holds what is no number")

    def _nonsense(self, why: str) -> OpsError:
        return not_qdrant(self._searcher.place.url, doing="read an answer", why=why)
