"""What of learning is not needed any more: decisions and states of long ago, and outbox rows that were taken in."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.service.feed.backlog import work_off
from opsctl.store.decisions import prune_decisions
from opsctl.store.learning import Learned, learners, prune_states
from opsctl.store.popularity import prune_followed

_DECISIONS = 1000
_CHANGES = 5000
_STATES = 1000
# States before the oldest that an open decision was made under.
_KEPT_STATES = 200

Prune = Callable[[AsyncConnection[Any]], Awaitable[int]]


async def prune_learned(
    database: AsyncDatabase, *, before: datetime, seconds: float, stop: asyncio.Event
) -> None:
    """Remove what is from before a moment, batch by batch.

    Args:
        database: takes a connection for each batch.
        before: what was closed, or taken in, earlier is removed.
        seconds: for so long at most, of each kind.
        stop: no further batch is begun after this.

    Raises:
        OpsError: the database is not there.
    """

    async def all_of(prune: Prune, *, full: int) -> None:
        async def batch() -> int:
            async with database.connection("prune") as connection:
                return await prune(connection)

        await work_off(batch, full=full, seconds=seconds, stop=stop)

    await all_of(partial(prune_decisions, closed_before=before, limit=_DECISIONS), full=_DECISIONS)
    await all_of(partial(prune_followed, before=before, limit=_CHANGES), full=_CHANGES)
    for what in Learned:
        async with database.connection("prune") as connection:
            found = await learners(connection, what)
        for learner in found:
            states = partial(prune_states, what=what, keep=_KEPT_STATES, limit=_STATES, learner=learner)
            await all_of(states, full=_STATES)
