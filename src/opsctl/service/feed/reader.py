"""Who reads: vector, taste and limits of one user, made from the newest interactions and kept in L1."""

import math
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from opsctl.clients.pool_ports import LendsConnections
from opsctl.core.units import parse_duration
from opsctl.ranking.reader import context_vector, interaction_weights, reader_vector, segment
from opsctl.service.book import Ranking
from opsctl.service.cache import keys
from opsctl.service.cache.kind import KindCache
from opsctl.service.feed.items import VectorsOfItems
from opsctl.service.feed.values import Profile, Vector
from opsctl.store.readers import ReaderHistory, read_history

# What is kept beside the vector, so that L1 holds ten thousand readers: 20 x 128 float32 are 10 KiB.
_RECENT = 20
_NO_HISTORY = ReaderHistory()
_LIKES = frozenset({"click", "save", "share", "inquiry", "purchase"})


class Readers:
    """Profiles of users; L1 kind `user_embedding`.

    Args:
        model_id: the embedder's; part of the key.
        dimension: length of the vectors.
        now: seconds since 1970.
    """

    def __init__(  # noqa: PLR0913 - what a profile is made from
        self,
        database: LendsConnections,
        *,
        vectors: VectorsOfItems,
        cache: KindCache[Profile],
        settings: Ranking,
        model_id: str,
        dimension: int,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._cache = cache
        self._history = settings.history
        self._half_life_seconds = parse_duration(settings.half_life)
        self._model_id = model_id
        self._dimension = dimension
        self._now = now

    async def of(self, user_id: int) -> Profile:
        """Return what is known of a user, who may never have been here."""
        key = keys.user_embedding(user_id, model=self._model_id)
        profile = await self._cache.get(key, lambda: self._make(user_id))
        if profile is None:
            raise AssertionError("everybody has a profile, if an empty one")
        return profile

    async def by_history(self, user_id: int) -> Profile:
        """Return what the history alone tells: region, usual price, what is hidden; it is not kept, since it lacks the taste."""
        async with self._database.connection("read_history") as connection:
            history = await read_history(connection, user_id, limit=self._history)
        return self._profile(user_id, history, [None] * len(history.content_ids))

    def stranger(self, user_id: int) -> Profile:
        """Return the profile of somebody of whom nothing can be known now."""
        return self._profile(user_id, _NO_HISTORY, ())

    async def _make(self, user_id: int) -> Profile:
        async with self._database.connection("read_history") as connection:
            history = await read_history(connection, user_id, limit=self._history)
        vectors = await self._vectors.of(list(dict.fromkeys(history.content_ids)))
        return self._profile(user_id, history, [vectors.get(item) for item in history.content_ids])

    def _profile(self, user_id: int, history: ReaderHistory, vectors: Sequence[Vector | None]) -> Profile:
        """Return the profile; `vectors` stand beside the history, None where an item has none."""
        known = [place for place, vector in enumerate(vectors) if vector is not None]
        matrix = self._matrix([vector for vector in vectors if vector is not None])
        now = self._now()
        ages = [now - history.occurred_seconds[place] for place in known]
        kinds = [history.kinds[place] for place in known]
        half_life = self._half_life_seconds
        weights = interaction_weights(kinds, ages, half_life_seconds=half_life)
        return Profile(
            user_id=user_id,
            vector=reader_vector(matrix, kinds, ages, half_life_seconds=half_life),
            recent=matrix[:_RECENT].copy(),
            recent_weights=np.maximum(weights[:_RECENT], 0.0),
            vendors=frozenset(vendor for vendor in history.vendor_ids if vendor is not None),
            seen=frozenset(history.content_ids),
            hidden=frozenset(history.hidden_ids),
            region=history.region,
            usual_price_usd=_usual_price(history),
            context=context_vector(matrix),
            segment=str(segment(len(history.content_ids))),
        )

    def _matrix(self, rows: Sequence[Vector]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.stack(rows) if rows else np.zeros((0, self._dimension), dtype=np.float32)


def _usual_price(history: ReaderHistory) -> float | None:
    """Return the median price, by logarithm, of what was liked; None where that says nothing."""
    prices = [
        math.log(price)
        for kind, price in zip(history.kinds, history.prices_usd, strict=True)
        if kind in _LIKES and price
    ]
    return math.exp(median(prices)) if prices else None
