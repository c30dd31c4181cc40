"""What is known of single items, whoever reads them: facts, vectors and model scores, each from L2 or its source."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from opsctl.clients.pool_ports import LendsConnections
from opsctl.clients.qdrant_values import PointId
from opsctl.core.errors import OpsError
from opsctl.service.cache import keys
from opsctl.service.cache.kind import KindCache
from opsctl.service.feed.values import Vector
from opsctl.service.scoring.ports import ItemScorer, ScoredItem
from opsctl.store.content_writes import ItemFacts, read_facts


class FactsOfItems:
    """Facts of published items; L2 kind `quality_score`, source the database."""

    def __init__(self, database: LendsConnections, *, cache: KindCache[ItemFacts]) -> None:
        self._database = database
        self._cache = cache

    async def of(self, ids: Sequence[int]) -> Mapping[int, ItemFacts]:
        """Return the facts of those items that are published, by id."""
        items = {keys.quality_score(item): item for item in ids}

        async def load(wanted: Sequence[str]) -> Mapping[str, ItemFacts]:
            async with self._database.connection("read_facts") as connection:
                found = await read_facts(connection, [items[key] for key in wanted])
            return {key: found[item] for key in wanted if (item := items[key]) in found}

        found = await self._cache.get_many(tuple(items), load)
        return {facts.content_id: facts for facts in found.values()}


class ReadsVectors(Protocol):
    """The part of `AsyncQdrantSearcher` that is needed here."""

    async def vectors(self, collection: str, ids: Sequence[PointId]) -> dict[PointId, Vector]:
        """Return the vectors of the points that exist, by id."""
        ...


class VectorsOfItems:
    """Vectors of items; L2 kind `content_embedding`, source the source collection.

    Args:
        model_id: the embedder's; part of the key, so that vectors of two models never meet.
        was_read: told the items that were read from their source just now.
    """

    def __init__(
        self,
        searcher: ReadsVectors,
        *,
        collection: str,
        model_id: str,
        cache: KindCache[Vector],
        was_read: Callable[[Iterable[int]], None] = lambda _: None,
    ) -> None:
        self._searcher = searcher
        self._collection = collection
        self._model_id = model_id
        self._cache = cache
        self._was_read = was_read

    async def of(self, ids: Sequence[int]) -> Mapping[int, Vector]:
        """Return the vectors of those items that have one, by id."""
        if not ids:
            return {}
        items = {keys.content_embedding(item, model=self._model_id): item for item in ids}

        async def load(wanted: Sequence[str]) -> Mapping[str, Vector]:
            found = await self._searcher.vectors(self._collection, [items[key] for key in wanted])
            self._was_read(items[key] for key in wanted)
            return {key: found[item] for key in wanted if (item := items[key]) in found}

        found = await self._cache.get_many(tuple(items), load)
        return {items[key]: vector for key, vector in found.items()}


class NothingScoredError(Exception):
    """The scorer gave no score at all: old ones stand in, and nothing is remembered as without a score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScores:
    """Scores by item; `note` says why some are missing, empty where the model could be asked."""

    scores: Mapping[int, float]
    note: str = ""


class ScoresOfItems:
    """What the scoring model says; L2 kind `agent_score`, source the model.

    A model that fails or is late costs the feed nothing but these scores: those that the cache holds, old ones too,
    are taken, and the rest are missing.
    """

    def __init__(self, scorer: ItemScorer, *, cache: KindCache[float], timeout_seconds: float) -> None:
        self._scorer = scorer
        self._cache = cache
        self._timeout_seconds = timeout_seconds

    @property
    def is_simulated(self) -> bool:
        """Tell whether the scores come from a stand-in."""
        return self._scorer.is_simulated

    async def of(self, facts: Sequence[ItemFacts]) -> ModelScores:
        """Return what there is to know within the time limit."""
        by_key = {self._key(item): item for item in facts}
        why = ""

        async def load(wanted: Sequence[str]) -> Mapping[str, float]:
            nonlocal why
            try:
                return await self._ask([by_key[key] for key in wanted])
            except (TimeoutError, OpsError, NothingScoredError) as error:
                why = error.code if isinstance(error, OpsError) else type(error).__name__
                raise

        found = await self._cache.get_many(list(by_key), load, leave_out_failed=True)
        missing = len(by_key) - len(found)
        return ModelScores(
            scores={keys.id_of(key): score for key, score in found.items()},
            note=f"{missing} of {len(by_key)} without a score {why}".rstrip() if missing else "",
        )

    async def _ask(self, items: Sequence[ItemFacts]) -> Mapping[str, float]:
        async with asyncio.timeout(self._timeout_seconds):
            scores = await self._scorer.score([scored_item(item) for item in items])
        if not scores:
            raise NothingScoredError
        return {self._key(item): scores[item.content_id] for item in items if item.content_id in scores}

    def _key(self, item: ItemFacts) -> str:
        return keys.agent_score(item.content_id, scorer=self._scorer.scorer_id)


def scored_item(facts: ItemFacts) -> ScoredItem:
    """Return what a scorer is told of an item."""
    return ScoredItem(
        content_id=facts.content_id,
        title=facts.title,
        description=facts.description,
        category=facts.category,
        region=facts.region,
        price_usd=facts.price_usd,
        quality=facts.quality,
        tags=facts.tags,
    )
