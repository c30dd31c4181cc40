"""What happens when readers tell what they did: it is written once, counted, and the vector that it changes is dropped."""

from collections import Counter
from collections.abc import Sequence

from opsctl.clients.pool_ports import LendsConnections
from opsctl.metrics import service as metrics
from opsctl.service.cache.invalidation import ReaderInvalidation
from opsctl.service.telemetry.meters import Meters
from opsctl.store.readers import NewInteraction, RecordedInteractions, record_interactions


class InteractionRecorder:
    """Takes in what users did (`api.ports.Interactions`).

    Args:
        significant: kinds after which the reader's vector is made anew; the feed stays until it expires.
    """

    def __init__(
        self,
        database: LendsConnections,
        *,
        invalidation: ReaderInvalidation,
        significant: Sequence[str],
        meters: Meters,
    ) -> None:
        self._database = database
        self._invalidation = invalidation
        self._significant = frozenset(significant)
        self._meters = meters

    async def record(self, batch: Sequence[NewInteraction]) -> RecordedInteractions:
        """Write a batch in one transaction; what is known already counts once.

        Raises:
            OpsError: the database is not there; nothing was written.
        """
        async with self._database.connection("record_interactions") as connection:
            written = await record_interactions(connection, batch)
        accepted = frozenset(written.accepted)
        # Of a key that stands twice in the batch the first one was written.
        fresh = {each.idempotency_key: each for each in reversed(batch) if each.idempotency_key in accepted}
        self._count(list(fresh.values()), repeated=len(written.repeated))
        self._invalidation.drop(
            sorted({each.user_id for each in fresh.values() if each.kind in self._significant})
        )
        return written

    def _count(self, fresh: Sequence[NewInteraction], *, repeated: int) -> None:
        for kind, count in Counter(each.kind for each in fresh).items():
            self._meters.count(metrics.INTERACTIONS, kind, by=count)
        if repeated:
            self._meters.count(metrics.INTERACTIONS_REPEATED, by=repeated)
