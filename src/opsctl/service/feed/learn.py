"""How does the service learn from what its feeds brought: decisions closed, arms and policy moved on, each exactly once.

A decision is a feed that was built, not one that was seen: L1 makes feeds anew in the background, and one that goes stale
again before anybody asks for it is closed as a failure of its arm, and with reward 0. The rewards of an arm are thus lower
than those of the feeds that were seen. Which arm was drawn has no influence on what is seen, so no arm is favoured by it, but
an arm's rate is that of all feeds built. Readers who come seldom lower it most.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from opsctl.clients.postgres_pool import AsyncDatabase
from opsctl.core.errors import OpsError
from opsctl.core.units import parse_duration
from opsctl.metrics import service as metrics
from opsctl.ranking.model import PolicyState
from opsctl.ranking.thompson import update_arms
from opsctl.service.book import Ranking
from opsctl.service.cache import keys
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.feed.backlog import work_off
from opsctl.service.feed.learned import arms_document, arms_of, policy_document, policy_of
from opsctl.service.feed.learned_figures import tell_learned
from opsctl.service.feed.prune import Pruner
from opsctl.service.feed.rewards import has_paid, reward_of
from opsctl.service.feed.samples import step_of
from opsctl.service.feed.treatments import Treatments
from opsctl.service.telemetry.meters import Meters
from opsctl.store.decisions import (
    DueDecision,
    LateDecision,
    close_again,
    close_decisions,
    due_decisions,
    late_decisions,
    pending_decisions,
)
from opsctl.store.learning import (
    Learned,
    read_state,
    read_states,
    write_state,
)
from opsctl.store.locks import key_of
from opsctl.store.popularity import refresh_popularity

_BATCH = 2000
_INTERACTIONS = 20_000
# Of `update_every`: for so long is worked off what is more than one batch.
_LEARNING_SHARE = 0.5
_PRUNING_SHARE = 0.05
_LOCK = key_of("learner")
_KEPT = timedelta(days=30)
# How long after it was closed a decision may still be put right; looking for such ones walks all that were closed
# since then, so it is done seldom.
_LATE = timedelta(days=2)
_LATE_EVERY_SECONDS = 600.0
# A step looks back from a moment ago: what was received before it is committed by now, so that it is either counted or
# found to be late, and never neither.
_SETTLED_SECONDS = 5.0

_log = logging.getLogger(__name__)

Connection = AsyncConnection[Any]


class _LostRaceError(Exception):
    """Somebody else wrote the next state first; all that belongs to ours is rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taught:
    """What one learner may learn from, and the settings under which it was decided."""

    learner: str
    settings: Ranking
    due: Sequence[DueDecision]
    late: Sequence[LateDecision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What one step did."""

    closed: int = 0
    late: int = 0
    has_changed: bool = False

    def __add__(self, other: "Learnt") -> "Learnt":
        return Learnt(
            closed=self.closed + other.closed,
            late=self.late + other.late,
            has_changed=self.has_changed or other.has_changed,
        )


class Learner:
    """Learns every `update_every`, one worker of all machines at a time.

    Everything of a batch stands in one transaction: rewards, new arms, new policy. A worker that is killed has done
    nothing; two that meet cannot both count a decision. Where more is due than one batch holds the next one follows at
    once, for half of `update_every`. A play is pending until its window closes, so that no arm is
    blamed for what can still happen; what arrives after that is put right.

    A decision teaches the learner that made it and no other: the arms of an experiment stay apart. One whose experiment
    has ended is closed and teaches nobody.

    Args:
        now: seconds since 1970.
    """

    def __init__(
        self,
        database: AsyncDatabase,
        *,
        journal: InvalidationJournal,
        settings: Ranking,
        treatments: Treatments,
        meters: Meters,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._journal = journal
        self._settings = settings
        self._treatments = treatments
        self._window = timedelta(seconds=parse_duration(settings.attribution_window))
        self._every_seconds = parse_duration(settings.update_every)
        self._meters = meters
        self._now = now
        self._looked_for_late_at = float("-inf")
        self._stop = asyncio.Event()
        self._pruner = Pruner(database, seconds=_PRUNING_SHARE * self._every_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Learn until told to stop."""
        self._stop = stop
        while not stop.is_set():
            try:
                await self.step()
                await self.tell()
            except OpsError as error:
                _log.warning("nothing is learnt: %s %s", error.code, error.message)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_seconds)

    async def step(self) -> Learnt:
        """Learn from what is due, and return what was done; nothing while another worker is at it.

        Raises:
            OpsError: the database is not there.
        """
        now = datetime.fromtimestamp(self._now() - _SETTLED_SECONDS, UTC)
        seconds, learnt = _LEARNING_SHARE * self._every_seconds, Learnt()

        async def follow() -> int:
            async with self._database.connection("popularity") as connection:
                return await refresh_popularity(connection, now=now, limit=_INTERACTIONS)

        async def learn() -> int:
            nonlocal learnt
            more = await self._learn_batch(now)
            learnt += more
            return max(more.closed, more.late)

        await work_off(follow, full=_INTERACTIONS, seconds=seconds, stop=self._stop)
        await work_off(learn, full=_BATCH, seconds=seconds, stop=self._stop)
        await self._pruner.prune(before=now - _KEPT, stop=self._stop)
        return learnt

    async def tell(self) -> None:
        """Set the figures of what is known.

        Raises:
            OpsError: the database is not there.
        """
        async with self._database.connection("read_state") as connection:
            arms = arms_of(await read_state(connection, Learned.ARMS), settings=self._settings)
            policy = policy_of(await read_state(connection, Learned.POLICY), settings=self._settings)
            pending = await pending_decisions(connection)
        self._meters.set(metrics.THOMPSON_PENDING, to=pending)
        await asyncio.to_thread(tell_learned, arms, policy, self._meters)

    async def _learn_batch(self, now: datetime) -> Learnt:
        try:
            async with self._database.connection("learn") as connection, connection.transaction():
                learnt = await self._learn(connection, now=now)
        except _LostRaceError:
            return Learnt()
        if learnt.has_changed:
            self._journal.post(f"kind:{keys.THOMPSON}")
        return learnt

    async def _learn(self, connection: Connection, *, now: datetime) -> Learnt:
        row = await (await connection.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])).fetchone()
        if row is None or not row[0]:
            return Learnt()
        due = await due_decisions(connection, now=now, window=self._window, limit=_BATCH)
        late = await self._late(connection, now=now)
        if not due and not late:
            return Learnt()
        has_changed = False
        for taught in self._by_learner(due, late):
            has_new_arms = await self._move_arms(connection, taught)
            has_new_policy = await self._move_policy(connection, taught)
            has_changed = has_changed or has_new_arms or has_new_policy
        await close_decisions(
            connection, {each.decision.feed_id: reward_of(each.reactions) for each in due}, now=now
        )
        await close_again(
            connection, {each.decision.feed_id: reward_of(each.reactions) for each in late}, now=now
        )
        return Learnt(closed=len(due), late=len(late), has_changed=has_changed)

    def _by_learner(self, due: Sequence[DueDecision], late: Sequence[LateDecision]) -> Iterator[_Taught]:
        decisions = [each.decision for each in due] + [each.decision for each in late]
        for learner in sorted({decision.learner for decision in decisions}):
            settings = self._treatments.of_learner(learner)
            if settings is not None:
                yield _Taught(
                    learner=learner,
                    settings=settings,
                    due=[each for each in due if each.decision.learner == learner],
                    late=[each for each in late if each.decision.learner == learner],
                )

    async def _late(self, connection: Connection, *, now: datetime) -> Sequence[LateDecision]:
        if now.timestamp() - self._looked_for_late_at < _LATE_EVERY_SECONDS:
            return ()
        found = await late_decisions(
            connection, now=now, closed_after=now - _LATE, window=self._window, limit=_BATCH
        )
        if len(found) < _BATCH:
            self._looked_for_late_at = now.timestamp()
        return found

    async def _move_arms(self, connection: Connection, taught: _Taught) -> bool:
        stored = await read_state(connection, Learned.ARMS, learner=taught.learner)
        arms = arms_of(stored, settings=taught.settings)
        successes: Counter[str] = Counter()
        failures: Counter[str] = Counter()
        for each in taught.due:
            # An arm that the book no longer has learns nothing any more.
            if each.decision.arm in arms.names:
                counts = successes if has_paid(each.decision, each.reactions) else failures
                counts[str(each.decision.arm)] += 1
        turned = Counter(
            str(each.decision.arm)
            for each in taught.late
            if each.decision.arm in arms.names
            and has_paid(each.decision, each.reactions)
            and not has_paid(each.decision, each.known_then)
        )
        if not (successes or failures or turned):
            return False
        new = update_arms(arms, successes=successes, failures=failures, late=turned)
        await self._write(
            connection,
            Learned.ARMS,
            learner=taught.learner,
            stored_version=stored.version if stored else 0,
            state=arms_document(new),
        )
        return True

    async def _move_policy(self, connection: Connection, taught: _Taught) -> bool:
        """Take a step up the reward; what arrives late comes too late for that, the policy has moved on."""
        if not taught.due:
            return False
        stored = await read_state(connection, Learned.POLICY, learner=taught.learner)
        policy = policy_of(stored, settings=taught.settings)
        acting = await self._acting(
            connection, taught, versions={each.decision.policy_version for each in taught.due}
        )
        # Batches follow each other at once: requests must not wait for the reckoning of each.
        arms = len(taught.settings.arms)
        update = await asyncio.to_thread(step_of, taught.due, policy=policy, acting=acting, arms=arms)
        if update.state.version == policy.version:
            self._meters.count(metrics.POLICY_UPDATES, "no_signal")
            return False
        await self._write(
            connection,
            Learned.POLICY,
            learner=taught.learner,
            stored_version=stored.version if stored else 0,
            state=policy_document(update.state),
        )
        self._meters.count(metrics.POLICY_UPDATES, "applied")
        return True

    async def _acting(
        self, connection: Connection, taught: _Taught, *, versions: set[int]
    ) -> dict[int, PolicyState]:
        """Return the policies of these versions, fitted to the learner's agents as they were when they acted."""
        stored = await read_states(connection, Learned.POLICY, versions=versions, learner=taught.learner)
        acting = {version: policy_of(state, settings=taught.settings) for version, state in stored.items()}
        # Version 0 is the one that nobody wrote down, because it knows nothing.
        return acting | {0: policy_of(None, settings=taught.settings)}

    async def _write(
        self,
        connection: Connection,
        what: Learned,
        *,
        learner: str,
        stored_version: int,
        state: dict[str, Any],
    ) -> None:
        if not await write_state(connection, what, expected=stored_version, state=state, learner=learner):
            raise _LostRaceError
