"""Which decisions were made for feeds, and what came of them: logged, rewarded once their window is over, removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# The whole batch travels as one JSON document: arrays of different lengths cannot be unnested side by side.
_INSERT = """
insert into feed_decisions (feed_id, user_id, decided_at, bucket, arm, propensity, arms_version, policy_version,
    logits, context, content_ids, explored, replay, learner)
select feed_id, user_id, decided_at, bucket, arm, propensity, arms_version, policy_version, logits, context,
    content_ids, explored, replay, learner
from jsonb_to_recordset(%s) as each (feed_id text, user_id bigint, decided_at timestamptz, bucket text, arm text,
    propensity float8, arms_version int, policy_version int, logits jsonb, context float8[], content_ids bigint[],
    explored smallint[], replay text, learner text)
on conflict (feed_id) do nothing
"""
_COLUMNS = """feed_id, user_id, decided_at, bucket, arm, propensity, arms_version, policy_version, logits, context,
    content_ids, explored, replay, learner"""
# Only what the reader of that feed did with items of that feed counts, and only within the window. What was received
# after `now`, at which it will be closed, is left to `_LATE`: taken here too, it would count twice.
_DUE = f"""
with due as (
    select {_COLUMNS} from feed_decisions
    where closed_at is null and decided_at <= %(decided_before)s
    order by decided_at limit %(limit)s for update skip locked
)
select {_COLUMNS}, (
    select coalesce(jsonb_agg(jsonb_build_array(content_id, kind) order by occurred_at, id), '[]')
    from interactions
    where interactions.feed_id = due.feed_id and interactions.user_id = due.user_id
        and interactions.content_id = any(due.content_ids)
        and interactions.occurred_at < due.decided_at + %(window)s and received_at < %(now)s
)
from due order by decided_at, feed_id
"""  # noqa: S608 - literals only
_CLOSE = """
update feed_decisions set closed_at = %(now)s, reward = rewards.reward
from unnest(%(feeds)s::text[], %(rewards)s::float8[]) as rewards (feed_id, reward)
where feed_decisions.feed_id = rewards.feed_id and closed_at is null
"""
# Closed as a failure of its arm, and now something good turns up that was done in time: taken once, because closing
# anew moves `closed_at` behind it.
_LATE = f"""
with late as (
    select {_COLUMNS} from feed_decisions as decided
    where closed_at > %(closed_after)s and arm is not null and exists (
        select from interactions
        where interactions.feed_id = decided.feed_id and interactions.user_id = decided.user_id
            and received_at >= decided.closed_at and received_at < %(now)s
            and occurred_at < decided.decided_at + %(window)s
    )
    order by decided_at limit %(limit)s for update skip locked
)
select {_COLUMNS}, (
    select coalesce(jsonb_agg(jsonb_build_array(content_id, kind) order by occurred_at, id), '[]')
    from interactions
    where interactions.feed_id = late.feed_id and interactions.user_id = late.user_id
        and interactions.content_id = any(late.content_ids)
        and interactions.occurred_at < late.decided_at + %(window)s and received_at < %(now)s
), (
    select coalesce(jsonb_agg(jsonb_build_array(content_id, kind) order by occurred_at, id), '[]')
    from interactions join feed_decisions using (feed_id)
    where interactions.feed_id = late.feed_id and interactions.user_id = late.user_id
        and interactions.content_id = any(late.content_ids)
        and interactions.occurred_at < late.decided_at + %(window)s and received_at < feed_decisions.closed_at
)
from late order by decided_at, feed_id
"""  # noqa: S608 - literals only
_CLOSE_AGAIN = """
update feed_decisions set closed_at = %(now)s, reward = rewards.reward
from unnest(%(feeds)s::text[], %(rewards)s::float8[]) as rewards (feed_id, reward)
where feed_decisions.feed_id = rewards.feed_id and closed_at is not null
"""
_READ = f"select {_COLUMNS} from feed_decisions where feed_id = %s"  # noqa: S608 - literals only
_REPLAYABLE = f"""
select {_COLUMNS} from feed_decisions where replay is not null order by decided_at desc, feed_id limit %s
"""  # noqa: S608 - literals only
_PENDING = "select count(*) from feed_decisions where closed_at is null"
_PRUNE = """
delete from feed_decisions where feed_id in (
    select feed_id from feed_decisions where closed_at < %s order by closed_at limit %s for update skip locked
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision as it is logged; columns as in the table `feed_decisions`."""

    feed_id: str
    user_id: int
    decided_at: datetime
    content_ids: tuple[int, ...]
    explored: tuple[int, ...] = ()
    bucket: str = ""
    arm: str | None = None
    propensity: float | None = None
    arms_version: int = 0
    policy_version: int = 0
    logits: Mapping[str, float] = field(default_factory=dict)
    context: tuple[float, ...] = ()
    replay: str | None = None
    learner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDecision:
    """A decision whose window is over, and what its reader did with its items, in order: (item, kind)."""

    decision: Decision
    reactions: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateDecision:
    """A decision that was closed before all that its reader did in time had arrived: what is known now, and was then."""

    decision: Decision
    reactions: tuple[tuple[int, str], ...]
    known_then: tuple[tuple[int, str], ...]


async def insert_decisions(connection: "psycopg.AsyncConnection[Any]", batch: Sequence[Decision]) -> int:
    """Log decisions in one transaction and return how many are new."""
    from psycopg.types.json import Jsonb

    if not batch:
        return 0
    return (await connection.execute(_INSERT, [Jsonb([_document(each) for each in batch])])).rowcount


async def due_decisions(
    connection: "psycopg.AsyncConnection[Any]", *, now: datetime, window: timedelta, limit: int
) -> Sequence[DueDecision]:
    """Return the oldest open decisions whose window is over, locked for the caller's transaction.

    Those that somebody else has locked are left out, so that two learners never take the same one. Close them with
    `close_decisions` at the same `now`: what is received from then on is told by `late_decisions`.
    """
    values = {"now": now, "decided_before": now - window, "window": window, "limit": limit}
    rows = await connection.execute(_DUE, values)
    return [
        DueDecision(decision=_decision(row), reactions=tuple((item, kind) for item, kind in row[14]))
        async for row in rows
    ]


async def close_decisions(
    connection: "psycopg.AsyncConnection[Any]", rewards: Mapping[str, float], *, now: datetime
) -> int:
    """Write down the rewards by feed id and return how many decisions were still open."""
    values = {"now": now, "feeds": list(rewards), "rewards": list(rewards.values())}
    return (await connection.execute(_CLOSE, values)).rowcount


async def late_decisions(
    connection: "psycopg.AsyncConnection[Any]",
    *,
    now: datetime,
    closed_after: datetime,
    window: timedelta,
    limit: int,
) -> Sequence[LateDecision]:
    """Return decisions closed since then of which more has arrived, locked for the caller's transaction.

    Write each down again with `close_again` at the same `now`, or it comes back.
    """
    values = {"now": now, "closed_after": closed_after, "window": window, "limit": limit}
    rows = await connection.execute(_LATE, values)
    return [
        LateDecision(
            decision=_decision(row),
            reactions=tuple((item, kind) for item, kind in row[14]),
            known_then=tuple((item, kind) for item, kind in row[15]),
        )
        async for row in rows
    ]


async def close_again(
    connection: "psycopg.AsyncConnection[Any]", rewards: Mapping[str, float], *, now: datetime
) -> int:
    """Write down the rewards of decisions that were closed before."""
    values = {"now": now, "feeds": list(rewards), "rewards": list(rewards.values())}
    return (await connection.execute(_CLOSE_AGAIN, values)).rowcount


async def read_decision(connection: "psycopg.AsyncConnection[Any]", feed_id: str) -> Decision | None:
    """Return a logged decision; None when there is none, or it was removed."""
    row = await (await connection.execute(_READ, [feed_id])).fetchone()
    return _decision(row) if row else None


async def replayable_decisions(
    connection: "psycopg.AsyncConnection[Any]", *, limit: int
) -> Sequence[Decision]:
    """Return the last decisions that were logged with all their inputs, the newest first."""
    return [_decision(row) async for row in await connection.execute(_REPLAYABLE, [limit])]


async def pending_decisions(connection: "psycopg.AsyncConnection[Any]") -> int:
    """Return how many decisions have no reward yet."""
    row = await (await connection.execute(_PENDING)).fetchone()
    return row[0] if row else 0


async def prune_decisions(
    connection: "psycopg.AsyncConnection[Any]", *, closed_before: datetime, limit: int = 1000
) -> int:
    """Remove some of the decisions that were closed before, and return how many; call again until it is 0."""
    return (await connection.execute(_PRUNE, [closed_before, limit])).rowcount


def _document(decision: Decision) -> dict[str, Any]:
    return {
        "feed_id": decision.feed_id,
        "user_id": decision.user_id,
        "decided_at": decision.decided_at.isoformat(),
        "bucket": decision.bucket,
        "arm": decision.arm,
        "propensity": decision.propensity,
        "arms_version": decision.arms_version,
        "policy_version": decision.policy_version,
        "logits": dict(decision.logits),
        "context": decision.context,
        "content_ids": decision.content_ids,
        "explored": decision.explored,
        "replay": decision.replay,
        "learner": decision.learner,
    }


def _decision(row: tuple[Any, ...]) -> Decision:
    return Decision(
        feed_id=row[0],
        user_id=row[1],
        decided_at=row[2],
        bucket=row[3],
        arm=row[4],
        propensity=row[5],
        arms_version=row[6],
        policy_version=row[7],
        logits=row[8],
        context=tuple(row[9]),
        content_ids=tuple(row[10]),
        explored=tuple(row[11]),
        replay=row[12],
        learner=row[13],
    )
