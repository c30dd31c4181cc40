"""What must go when an item or a reader changed, and who is told: L2 first, then every worker of the machine."""

import logging
from collections.abc import Sequence

from opsctl.core.errors import NotReadyError
from opsctl.metrics import service as metrics
from opsctl.service.cache import keys as cache_keys
from opsctl.service.cache.journal import EVERYTHING, InvalidationJournal
from opsctl.service.cache.ports import KeyValueStore, StoreError
from opsctl.service.telemetry.meters import Meters

_logger = logging.getLogger(__name__)


class ItemInvalidation:
    """Drops what the caches say of items whose content changed: vector, quality and agent scores, feeds that hold them.

    Args:
        store: L2; None where it is switched off.
        journal: tells the workers.
        embedding_model: the model whose vectors are cached.
        scorer: the scorer whose scores are cached.
        meters: counts what was dropped.
    """

    def __init__(
        self,
        store: KeyValueStore | None,
        journal: InvalidationJournal,
        *,
        embedding_model: str,
        scorer: str,
        meters: Meters,
    ) -> None:
        self._store = store
        self._journal = journal
        self._embedding_model = embedding_model
        self._scorer = scorer
        self._meters = meters

    async def drop(self, content_ids: Sequence[int]) -> bool:
        """Drop items everywhere; False when L2 failed, where they then stay until they are stale.

        The journal is written first, so that no worker keeps what it is just loading, and again afterwards: a feed
        that was built from old scores between the two goes too.
        """
        if not content_ids:
            return True
        marks = tuple(f"tag:{cache_keys.content_tag(content_id)}" for content_id in content_ids)
        self._journal.post(*marks)
        is_done = await self._drop_in_store(content_ids)
        self._journal.post(*marks)
        return is_done

    async def drop_vectors(self, content_ids: Sequence[int]) -> bool:
        """Drop the vectors of items that may be a lie, and all that readers' vectors were made of; False when L2 failed.

        One mark for all: a mark for each item could be more than the journal holds, and then all of L1 would go.
        """
        marks = tuple(f"kind:{kind}" for kind in (cache_keys.CONTENT_EMBEDDING, cache_keys.USER_EMBEDDING))
        kind, keys = cache_keys.CONTENT_EMBEDDING, self._keys(content_ids)[cache_keys.CONTENT_EMBEDDING]
        self._journal.post(*marks)
        try:
            if self._store is not None and keys:
                self._count(kind, await self._store.delete_many(keys))
        except StoreError:
            return False
        finally:
            self._journal.post(*marks)
        return True

    async def drop_everything(self) -> int:
        """Drop whatever L2 holds, and what workers made of it; return how many entries it was.

        Raises:
            StoreError: L2 failed, and some may still be there.
        """
        if self._store is None or (await self._store.figures()).entries == 0:
            return 0
        self._journal.post(EVERYTHING)
        dropped = 0
        for kind in cache_keys.L2_KINDS:
            of_kind = await self._store.delete_prefix(f"{kind}:")
            self._count(kind, of_kind)
            dropped += of_kind
        self._journal.post(EVERYTHING)
        return dropped

    async def _drop_in_store(self, content_ids: Sequence[int]) -> bool:
        if self._store is None:
            return True
        # Kind by kind, because only the store knows how many entries there were: an item is told of more than once.
        try:
            for kind, keys in self._keys(content_ids).items():
                self._count(kind, await self._store.delete_many(keys))
        except StoreError:
            return False
        return True

    def _count(self, kind: str, dropped: int) -> None:
        self._meters.count(metrics.CACHE_INVALIDATIONS, "l2", kind, by=dropped)

    def _keys(self, content_ids: Sequence[int]) -> dict[str, list[str]]:
        model, scorer = self._embedding_model, self._scorer
        return {
            cache_keys.CONTENT_EMBEDDING: [cache_keys.content_embedding(i, model=model) for i in content_ids],
            cache_keys.QUALITY_SCORE: [cache_keys.quality_score(i) for i in content_ids],
            cache_keys.AGENT_SCORE: [cache_keys.agent_score(i, scorer=scorer) for i in content_ids],
        }


class ReaderInvalidation:
    """Drops the vector of a reader after a significant interaction; the feed stays until it expires."""

    def __init__(self, journal: InvalidationJournal) -> None:
        self._journal = journal

    def drop(self, user_ids: Sequence[int]) -> None:
        """Tell every worker of the machine to forget these readers' vectors; who cannot be told keeps them until they expire.

        What the readers did is written by then, so that is no reason to refuse it.
        """
        if not user_ids:
            return
        try:
            self._journal.post(*(f"tag:{cache_keys.reader_tag(user_id)}" for user_id in user_ids))
        except NotReadyError as error:
            _logger.warning("vectors of readers stay until they expire: %s (%s)", error.message, error.why)
