"""How are decisions logged without any feed waiting for the database: a bounded queue, written in batches."""

import asyncio
import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.metrics import service as metrics
from opsctl.ranking.replay import ReplayableDecision, to_json
from opsctl.service.feed.write_behind import WriteBehind
from opsctl.service.telemetry.meters import Meters
from opsctl.store.decisions import Decision, insert_decisions

# A decision takes about 1 KB here, a replayable one 60 KB; at 5 % of the latter that is 40 MB at most.
_MOST_WAITING = 10_000
_BATCH = 200
_EVERY_SECONDS = 1.0
_SHARES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A decision on its way; `inputs` are those of a decision that can be made again."""

    decision: Decision
    inputs: ReplayableDecision | None = None


class DecisionLog:
    """Takes decisions at once and writes them within a second; when the queue is full they are counted and dropped.

    Args:
        replayable_share: part of the decisions that is logged with all inputs.
    """

    def __init__(
        self,
        database: AsyncDatabase,
        *,
        meters: Meters,
        replayable_share: float,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._database = database
        self._meters = meters
        self._replayable_share = replayable_share
        self._waiting: WriteBehind[Logged] = WriteBehind(
            "decisions", write=self._write, lose=self._lose, batch=_BATCH, most_waiting=most_waiting
        )
        self._enough = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Return how many decisions are not written yet."""
        return len(self._waiting)

    def is_replayable(self, seed: int) -> bool:
        """Tell whether the decision of this seed is logged with all inputs."""
        return seed % _SHARES < self._replayable_share * _SHARES

    def offer(self, logged: Logged) -> None:
        """Take a decision, or drop and count it."""
        if self._waiting.is_full:
            self._meters.count(metrics.DECISIONS_DROPPED)
            return
        self._waiting.add(logged)
        if len(self._waiting) >= _BATCH:
            self._enough.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write every second, or sooner when a batch is full; at the end write what is left."""
        while not stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_SECONDS):
                    await _either(stop, self._enough)
            self._enough.clear()
            await self.flush()
        await self.flush()

    async def flush(self) -> None:
        """Write what waits; where the database is not there it waits on."""
        await self._waiting.flush()

    async def _write(self, batch: Sequence[Logged]) -> None:
        # 50 KB of base64 each: not on the event loop.
        rows = await asyncio.to_thread(lambda: [_row(logged) for logged in batch])
        async with self._database.connection("insert_decisions") as connection:
            await insert_decisions(connection, rows)

    def _lose(self, batch: Sequence[Logged]) -> None:
        self._meters.count(metrics.DECISIONS_DROPPED, by=len(batch))


def _row(logged: Logged) -> Decision:
    if logged.inputs is None:
        return logged.decision
    return dataclasses.replace(logged.decision, replay=to_json(logged.inputs))


async def _either(first: asyncio.Event, second: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in (first, second)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
