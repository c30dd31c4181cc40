"""What of learning is not needed any more: decisions and states of long ago, and outbox rows that say nothing new."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.service.feed.backlog import work_off
from opsctl.store.decisions import prune_decisions
from opsctl.store.learning import Learned, learners, prune_states
from opsctl.store.outbox_pruning import prune_superseded
from opsctl.store.popularity import prune_followed

_DECISIONS = 1000
_CHANGES = 5000
_STATES = 1000
# Looking for changes of items that are superseded walks all of them, so it is done seldom and in large batches.
_SUPERSEDED = 50_000
_SUPERSEDED_EVERY_SECONDS = 3600.0
# States before the oldest that an open decision was made under.
_KEPT_STATES = 200

Prune = Callable[[AsyncConnection[Any]], Awaitable[int]]


class Pruner:
    """Removes what is old, batch by batch.

    Args:
        database: takes a connection for each batch.
        seconds: for so long at most, of each kind.
        steady: a monotonic clock.
    """

    def __init__(
        self, database: AsyncDatabase, *, seconds: float, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._seconds = seconds
        self._steady = steady
        self._looked_for_superseded_at = float("-inf")

    async def prune(self, *, before: datetime, stop: asyncio.Event) -> None:
        """Remove what was closed, taken in or superseded before a moment; begin no further batch once told to stop.

        Raises:
            OpsError: the database is not there.
        """
        await self._all_of(
            partial(prune_decisions, closed_before=before, limit=_DECISIONS), full=_DECISIONS, stop=stop
        )
        await self._all_of(partial(prune_followed, before=before, limit=_CHANGES), full=_CHANGES, stop=stop)
        for what in Learned:
            async with self._database.connection("prune") as connection:
                found = await learners(connection, what)
            for learner in found:
                states = partial(prune_states, what=what, keep=_KEPT_STATES, limit=_STATES, learner=learner)
                await self._all_of(states, full=_STATES, stop=stop)
        if self._steady() - self._looked_for_superseded_at >= _SUPERSEDED_EVERY_SECONDS:
            self._looked_for_superseded_at = self._steady()
            superseded = partial(prune_superseded, before=before, limit=_SUPERSEDED)
            await self._all_of(superseded, full=_SUPERSEDED, stop=stop)

    async def _all_of(self, prune: Prune, *, full: int, stop: asyncio.Event) -> None:
        async def batch() -> int:
            async with self._database.connection("prune") as connection:
                return await prune(connection)

        await work_off(batch, full=full, seconds=self._seconds, stop=stop)
