"""How do caches and vectors follow changes that others made: the outbox read every few seconds, each change at least once."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from psycopg import Rollback

from opsctl.catalog.sync import consumer_of
from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.core.errors import NotReadyError, OpsError
from opsctl.metrics import service as metrics
from opsctl.service.cache.invalidation import ItemInvalidation
from opsctl.service.cache.ports import StoreError
from opsctl.service.telemetry.meters import Meters
from opsctl.store.outbox_following import count_lag, finish_changes, take_changes

_BATCH = 500
_BUSY_ELSEWHERE = "OUT001"
_L2_GONE = "CAC005"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumers:
    """The names under which one set of caches stands among the consumers of the outbox.

    `facts` runs ahead: what caches say of an item goes as soon as the item changed. `vectors` follows behind whoever
    writes the vectors (this service or `opsctl catalog sync`): only then is the vector in L2 the old one.
    """

    facts: str
    vectors: str
    collection: str

    @classmethod
    def of(cls, *, host: str, home: Path, collection: str) -> "Consumers":
        """Return the names for the caches of a machine's home: each machine has caches of its own."""
        scope = blake2b(f"{host}\0{home}".encode(), digest_size=6).hexdigest()
        return cls(
            facts=f"caches:{scope}", vectors=f"caches-vectors:{scope}", collection=consumer_of(collection)
        )


class OutboxFollower:
    """Drops what the caches say of changed items, and has vectors made for them.

    All workers of a machine run one; the row of the watermark is locked while one of them is at it, and the others
    pass by. A batch is applied before its watermark moves, so a killed worker repeats it, which drops nothing new.
    Where the database knows of no watermark, it is not known how old L2 is, and all of it goes.

    Args:
        apply_vectors: writes a batch of changed items to the source collection and tells how many there were; blocks,
            and is called in a thread. None leaves that to `opsctl catalog sync`.
        every_seconds: pause between looks.
    """

    def __init__(
        self,
        database: AsyncDatabase,
        *,
        invalidation: ItemInvalidation,
        consumers: Consumers,
        apply_vectors: Callable[[], int] | None,
        every_seconds: float,
        meters: Meters,
    ) -> None:
        self._database = database
        self._invalidation = invalidation
        self._consumers = consumers
        self._apply_vectors = apply_vectors
        self._every_seconds = every_seconds
        self._meters = meters
        self._complaints: set[str] = set()
        self._told: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until told to stop; at once again while there is more."""
        while not stop.is_set():
            try:
                has_more = await self.step() > 0
            except OpsError as error:
                self._complain(error)
                has_more = False
            self._told, self._complaints = self._complaints, set()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.01 if has_more else self._every_seconds)

    async def step(self) -> int:
        """Follow one batch of each kind and return how many changes there were.

        Raises:
            OpsError: database or vectors are not there.
        """
        dropped = await self._drop(self._consumers.facts, behind=None)
        written = await self._write_vectors()
        dropped_again = await self._drop(self._consumers.vectors, behind=self._consumers.collection)
        async with self._database.connection("outbox_lag") as connection:
            lag = await count_lag(connection, self._consumers.facts)
        self._meters.set(metrics.OUTBOX_LAG, to=lag)
        return dropped + written + dropped_again

    async def _drop(self, consumer: str, *, behind: str | None) -> int:
        async with (
            self._database.connection("follow_outbox") as connection,
            connection.transaction(),
        ):
            batch = await take_changes(connection, consumer, limit=_BATCH, behind=behind)
            if batch.is_first and behind is None and not await self._begin():
                raise Rollback  # so that the next look is the first one again
            changed = sorted({change.content_id for change in batch.changes})
            if not await self._invalidation.drop(changed):
                # L2 did not hear of it: the watermark stays, and the next look tells it again.
                return 0
            await finish_changes(connection, batch)
        return len(batch.changes)

    async def _begin(self) -> bool:
        """Begin with caches that know nothing: L2 may hold what another database said, or this one long ago.

        Return whether that was possible.
        """
        try:
            dropped = await self._invalidation.drop_everything()
        except StoreError as error:
            self._complain(NotReadyError(f"L2 cannot be cleared: {error}", code=_L2_GONE))
            return False
        if dropped:
            _log.warning(
                "%d entries of L2 were dropped: it is not known which changes they were told of", dropped
            )
        return True

    async def _write_vectors(self) -> int:
        if self._apply_vectors is None:
            return 0
        async with self._database.connection("outbox_lag") as connection:
            if await count_lag(connection, self._consumers.collection) == 0:
                return 0
        try:
            return await asyncio.to_thread(self._apply_vectors)
        except OpsError as error:
            if error.code != _BUSY_ELSEWHERE:
                self._complain(error)
            return 0

    def _complain(self, error: OpsError) -> None:
        """Log what is wrong once, not every two seconds."""
        self._complaints.add(error.code)
        if error.code not in self._told:
            _log.warning("changes are not followed: %s %s", error.code, error.message)
