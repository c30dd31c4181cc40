"""A lie of the vector database stays in no cache: what it said in the seconds until it was found is asked for anew."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tests.fakes.key_value_store import DictStore

from opsctl.service.cache import keys
from opsctl.service.cache.codecs import VectorCodec
from opsctl.service.cache.invalidation import ItemInvalidation
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.kind import KindCache
from opsctl.service.cache.kind_tiers import l2_kind
from opsctl.service.cache.policy import Lifetime
from opsctl.service.feed.items import VectorsOfItems
from opsctl.service.resilience.unconfirmed import Unconfirmed
from opsctl.service.telemetry.meters import Meters


class Source:
    """Says that every vector is the same number, four times."""

    def __init__(self) -> None:
        self.number = 1.0

    async def vectors(self, collection: str, ids: Sequence[int]) -> dict[int, Any]:
        """Return what is said now."""
        return {item: np.full(4, self.number, np.float32) for item in ids}


def cache_of(store: DictStore, journal: InvalidationJournal, meters: Meters) -> KindCache[Any]:
    """Return the cache of vectors, where they stay for a week."""
    return l2_kind(
        keys.CONTENT_EMBEDDING,
        store=store,
        codec=VectorCodec(4),
        lifetime=Lifetime(fresh="7d"),
        journal=journal,
        timeout_seconds=5,
        meters=meters,
        now=time.time,
        chance=random.Random(7),
    )


def test_vectors_that_were_read_during_a_lie_are_read_anew_after_it(tmp_path: Path) -> None:
    """What was read before it is served from L2 all the time."""
    journal, meters = InvalidationJournal(tmp_path / "invalidations"), Meters()
    store, source, unconfirmed = DictStore(time.time), Source(), Unconfirmed()

    async def story() -> dict[int, float]:
        cache = cache_of(store, journal, meters)
        vectors = VectorsOfItems(
            source,  # type: ignore[arg-type]
            collection="content",
            model_id="m",
            cache=cache,
            was_read=unconfirmed.note,
        )
        invalidation = ItemInvalidation(store, journal, embedding_model="m", scorer="s", meters=meters)
        await vectors.of([1])
        unconfirmed.begin_look()
        unconfirmed.confirm()
        source.number = -1.0
        await vectors.of([1, 2])
        await asyncio.gather(*cache._tasks)
        await invalidation.drop_vectors(unconfirmed.ids)
        source.number = 2.0
        return {item: float(vector[0]) for item, vector in (await vectors.of([1, 2])).items()}

    assert asyncio.run(story()) == {1: 1.0, 2: 2.0}
