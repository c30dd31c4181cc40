"""Who reads: vector, taste and limits of one user, made from the newest interactions and kept in L1."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median

import numpy as np

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.core.units import parse_duration
from opsctl.ranking.reader import context_vector, interaction_weights, reader_vector, segment
from opsctl.service.book import Ranking
from opsctl.service.cache import keys
from opsctl.service.cache.kind import KindCache
from opsctl.service.feed.items import FactsOfItems, VectorsOfItems
from opsctl.service.feed.together import both
from opsctl.service.feed.values import ItemFacts, Profile, Vector
from opsctl.store.readers import Seen, read_history, read_region

# What is kept beside the vector, so that L1 holds ten thousand readers: 20 x 128 float32 are 10 KiB.
_RECENT = 20
_HIDE = "hide"
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
        database: AsyncDatabase,
        *,
        facts: FactsOfItems,
        vectors: VectorsOfItems,
        cache: KindCache[Profile],
        settings: Ranking,
        model_id: str,
        dimension: int,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._facts = facts
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

    async def _make(self, user_id: int) -> Profile:
        async with self._database.connection("read_history") as connection:
            history = await read_history(connection, user_id, limit=self._history)
            region = await read_region(connection, user_id)
        ids = list(dict.fromkeys(seen.content_id for seen in history))
        facts, vectors = await both(self._facts.of(ids), self._vectors.of(ids))
        return self._profile(user_id, history=history, region=region, facts=facts, vectors=vectors)

    def _profile(
        self,
        user_id: int,
        *,
        history: Sequence[Seen],
        region: str | None,
        facts: Mapping[int, ItemFacts],
        vectors: Mapping[int, Vector],
    ) -> Profile:
        known = [seen for seen in history if seen.content_id in vectors]
        matrix = self._matrix([vectors[seen.content_id] for seen in known])
        now = datetime.fromtimestamp(self._now(), UTC)
        ages = [(now - seen.occurred_at).total_seconds() for seen in known]
        kinds = [seen.kind for seen in known]
        half_life = self._half_life_seconds
        weights = interaction_weights(kinds, ages, half_life_seconds=half_life)
        return Profile(
            user_id=user_id,
            vector=reader_vector(matrix, kinds, ages, half_life_seconds=half_life),
            recent=matrix[:_RECENT].copy(),
            recent_weights=np.maximum(weights[:_RECENT], 0.0),
            vendors=frozenset(
                facts[seen.content_id].vendor_id for seen in history if seen.content_id in facts
            ),
            seen=frozenset(seen.content_id for seen in history),
            hidden=frozenset(seen.content_id for seen in history if seen.kind == _HIDE),
            region=region,
            usual_price_usd=_usual_price(history, facts),
            context=context_vector(matrix),
            segment=str(segment(len(history))),
        )

    def _matrix(self, rows: Sequence[Vector]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.stack(rows) if rows else np.zeros((0, self._dimension), dtype=np.float32)


def _usual_price(history: Sequence[Seen], facts: Mapping[int, ItemFacts]) -> float | None:
    """Return the median price, by logarithm, of what was liked; None where that says nothing."""
    prices = [
        math.log(item.price_usd)
        for seen in history
        if seen.kind in _LIKES and (item := facts.get(seen.content_id)) is not None and item.price_usd
    ]
    return math.exp(median(prices)) if prices else None
