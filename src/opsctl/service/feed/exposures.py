"""How is it written down who saw which arm: once a day for each reader and experiment, and no feed waits for it."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.metrics import service as metrics
from opsctl.service.feed.treatments import Treatment
from opsctl.service.feed.values import Profile
from opsctl.service.feed.write_behind import WriteBehind
from opsctl.service.telemetry.meters import Meters
from opsctl.store.exposures import Exposure, insert_exposures

# 10,000 readers in a few experiments: a day's exposures are met again here, not in the database.
_MOST_REMEMBERED = 100_000
_MOST_WAITING = 50_000
_BATCH = 500
_EVERY_SECONDS = 1.0


class ExposureLog:
    """Takes exposures at once and writes them within a second.

    What the queue has no room for is counted, dropped and forgotten, so that the reader's next feed brings it again. The
    key of an exposure is the same in every worker, so those that meet in the database count once.
    """

    def __init__(self, database: AsyncDatabase, *, meters: Meters, most_waiting: int = _MOST_WAITING) -> None:
        self._database = database
        self._meters = meters
        self._waiting: WriteBehind[Exposure] = WriteBehind(
            "exposures", write=self._write, lose=self._lose, batch=_BATCH, most_waiting=most_waiting
        )
        self._remembered: OrderedDict[str, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Return how many exposures are not written yet."""
        return len(self._waiting)

    def note(self, treatment: Treatment, profile: Profile, *, at: float) -> None:
        """Take what a reader is exposed to at that moment, in seconds since 1970."""
        if not treatment.arms:
            return
        exposed_at = datetime.fromtimestamp(at, UTC)
        for experiment, arm in treatment.arms.items():
            exposure = Exposure(
                experiment=experiment,
                unit_id=str(profile.user_id),
                variant=arm,
                exposed_at=exposed_at,
                attributes={"segment": profile.segment}
                | ({"region": profile.region} if profile.region else {}),
            )
            self._offer(exposure)

    async def run(self, stop: asyncio.Event) -> None:
        """Write every second; at the end write what is left."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; where the database is not there it waits on."""
        await self._waiting.flush()

    async def _write(self, batch: Sequence[Exposure]) -> None:
        async with self._database.connection("insert_exposures") as connection:
            await insert_exposures(connection, batch)

    def _lose(self, batch: Sequence[Exposure]) -> None:
        """Count and forget them, so that the reader's next feed brings them again, to a database that is mended."""
        for exposure in batch:
            self._remembered.pop(exposure.key, None)
        self._meters.count(metrics.EXPOSURES_DROPPED, by=len(batch))

    def _offer(self, exposure: Exposure) -> None:
        key = exposure.key
        if key in self._remembered:
            return
        if self._waiting.is_full:
            self._meters.count(metrics.EXPOSURES_DROPPED)
            return
        self._remembered[key] = None
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        self._waiting.add(exposure)
        self._meters.count(metrics.EXPOSURES, exposure.experiment, exposure.variant)
