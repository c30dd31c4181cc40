"""Does the vector database tell the truth: asked now and then for an item's own nearest neighbour, which is the item.

An outage shows by itself. A stale alias, shuffled ids or an index built wrong answer quickly and with good scores; only a
question of which the answer is known finds them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from opsctl.clients.qdrant_async import AsyncQdrantSearcher
from opsctl.core.errors import OpsError
from opsctl.metrics import service as metrics
from opsctl.service.feed.values import Vector
from opsctl.service.resilience.failures import VECTORS
from opsctl.service.telemetry.meters import Meters

_log = logging.getLogger(__name__)

_PROBES = 5
# HNSW is approximate and items may have equal vectors: an item is to be among the first few, and most items are to be.
_AMONG = 10
_LEAST_FOUND = 0.6
# Known vectors are read anew after so many looks, since items change.
_KNOWN_LOOKS = 30
_OWNER = "sentinel"


class Isolates(Protocol):
    """Whoever can leave a dependency alone (`Protection`)."""

    def isolate(self, name: str, *, seconds: float, owner: str, reason: str) -> None:
        """Leave it alone for a while."""
        ...


class Sentinel:
    """Asks the vector database what it must know.

    Args:
        searcher: asks, without any guard: a dependency that is isolated must be looked at all the same.
        collection: the source collection.
        popular: returns ids of items that are shown now, some of which are asked for.
        protection: isolates the vectors while they tell nonsense.
        every_seconds: pause between two looks.
    """

    def __init__(
        self,
        searcher: AsyncQdrantSearcher,
        *,
        collection: str,
        popular: Callable[[], Sequence[int]],
        protection: Isolates,
        every_seconds: float,
        meters: Meters,
    ) -> None:
        self._searcher = searcher
        self._collection = collection
        self._popular = popular
        self._protection = protection
        self._every_seconds = every_seconds
        self._meters = meters
        self._known: Mapping[int, Vector] = {}
        self._looks = 0
        self._was_good = True

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        self._meters.set(metrics.SENTINEL_OK, to=1.0)
        while not stop.is_set():
            with suppress(OpsError, TimeoutError):  # an outage is the breaker's business
                async with asyncio.timeout(self._every_seconds):
                    await self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_seconds)

    async def look(self) -> bool:
        """Look once; isolate the vectors until two looks later where they do not know what they hold.

        Raises:
            OpsError: there is no answer.
        """
        if not self._known or (self._looks % _KNOWN_LOOKS == 0 and self._was_good):
            await self._learn()
        self._looks += 1
        if not self._known:
            return True
        found = [await self._finds(item, vector) for item, vector in self._known.items()]
        is_good = sum(found) >= _LEAST_FOUND * len(found)
        self._meters.set(metrics.SENTINEL_OK, to=float(is_good))
        if not is_good:
            reason = f"{sum(found)} of {len(found)} items are their own nearest neighbours"
            self._protection.isolate(VECTORS, seconds=3 * self._every_seconds, owner=_OWNER, reason=reason)
        if is_good is not self._was_good:
            self._was_good = is_good
            _log.warning("the vector database tells the truth %s", "again" if is_good else "no more")
        return is_good

    async def _learn(self) -> None:
        ids = list(self._popular())[:_PROBES]
        found = await self._searcher.vectors(self._collection, ids)
        self._known = {int(item): vector.copy() for item, vector in found.items()}

    async def _finds(self, item: int, vector: Vector) -> bool:
        hits = await self._searcher.search(self._collection, vector=vector, limit=_AMONG)
        return item in hits.ids
