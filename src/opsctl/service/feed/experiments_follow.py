"""Which experiments run now: read from the database again and again, by every worker of every machine."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.core.errors import OpsError, UsageError
from opsctl.experiments.registry import Started, started_of
from opsctl.service.feed.treatments import Treatments
from opsctl.store.experiments import ExperimentRow, running_experiments

# A start, an end or a ramp is heard of within this time; until then workers may disagree about a reader for a moment.
_EVERY_SECONDS = 5.0

_log = logging.getLogger(__name__)


class ExperimentsFollower:
    """Keeps a worker's treatments as the database has them; while it is away, what was known last holds."""

    def __init__(self, database: AsyncDatabase, *, treatments: Treatments) -> None:
        self._database = database
        self._treatments = treatments

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until told to stop."""
        while not stop.is_set():
            try:
                await self.step()
            except OpsError as error:
                _log.warning("experiments are as they were: %s %s", error.code, error.message)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _EVERY_SECONDS)

    async def step(self) -> None:
        """Look once.

        Raises:
            OpsError: the database is not there.
        """
        async with self._database.connection("running_experiments") as connection:
            rows = await running_experiments(connection)
        await asyncio.to_thread(self._take, rows)

    def _take(self, rows: Sequence[ExperimentRow]) -> None:
        self._treatments.take(tuple(_readable(rows)))


def _readable(rows: Sequence[ExperimentRow]) -> Iterator[Started]:
    """Leave out what another version of opsctl has started: its readers get what the book says."""
    for row in rows:
        try:
            yield started_of(row)
        except UsageError as error:
            _log.warning("%s %s", error.code, error.message)
