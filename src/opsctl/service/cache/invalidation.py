"""What must go when an item or a reader changed, and who is told: L2 first, then every worker of the machine."""

from collections.abc import Sequence

from opsctl.service.cache import keys as cache_keys
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.ports import KeyValueStore, StoreError
from opsctl.service.telemetry import metrics
from opsctl.service.telemetry.meters import Meters


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

    async def _drop_in_store(self, content_ids: Sequence[int]) -> bool:
        if self._store is None:
            return True
        try:
            await self._store.delete_many([key for each in content_ids for key in self._keys(each)])
        except StoreError:
            return False
        for kind in cache_keys.L2_KINDS:
            self._meters.count(metrics.CACHE_INVALIDATIONS, "l2", kind, by=len(content_ids))
        return True

    def _keys(self, content_id: int) -> tuple[str, ...]:
        return (
            cache_keys.content_embedding(content_id, model=self._embedding_model),
            cache_keys.quality_score(content_id),
            cache_keys.agent_score(content_id, scorer=self._scorer),
        )


class ReaderInvalidation:
    """Drops the vector of a reader after a significant interaction; the feed stays until it expires."""

    def __init__(self, journal: InvalidationJournal) -> None:
        self._journal = journal

    def drop(self, user_ids: Sequence[int]) -> None:
        """Tell every worker of the machine to forget these readers' vectors."""
        if user_ids:
            self._journal.post(*(f"tag:{cache_keys.reader_tag(user_id)}" for user_id in user_ids))
