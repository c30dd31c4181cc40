"""What was learned so far: states by version, the next one written only by whoever knows the one before."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, assert_never

if TYPE_CHECKING:
    from typing import LiteralString

    import psycopg


class Learned(StrEnum):
    """The two things that are learned; each value is the name of its table."""

    ARMS = "thompson_arms"
    POLICY = "agent_policy"


SHARED = ""
"""The service's own learner; an arm of an experiment that learns by itself is called `experiment/arm`."""

_NEWEST = """
(select 'thompson_arms', version, state, learned_at from thompson_arms
 where learner = %(learner)s order by version desc limit 1)
union all
(select 'agent_policy', version, state, learned_at from agent_policy
 where learner = %(learner)s order by version desc limit 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedState:
    """One version of what was learned; `state` is a JSON object whose floats come back bit for bit."""

    version: int
    state: Mapping[str, Any]
    learned_at: datetime


async def read_state(
    connection: "psycopg.AsyncConnection[Any]",
    what: Learned,
    *,
    version: int | None = None,
    learner: str = SHARED,
) -> LearnedState | None:
    """Return a learner's newest state, or that of a version; None where there is none (yet, or any more)."""
    table = _table(what)
    query = f"""
    select version, state, learned_at from {table} where learner = %(learner)s
    and version = coalesce(%(version)s, (select max(version) from {table} where learner = %(learner)s))
    """  # noqa: S608 - the table's name is a literal
    found = await connection.execute(query, {"learner": learner, "version": version})
    row = await found.fetchone()
    return LearnedState(version=row[0], state=row[1], learned_at=row[2]) if row else None


async def recent_states(
    connection: "psycopg.AsyncConnection[Any]", what: Learned, *, learner: str = SHARED, limit: int
) -> Sequence[LearnedState]:
    """Return a learner's last states, the newest first."""
    query = f"""
    select version, state, learned_at from {_table(what)} where learner = %s order by version desc limit %s
    """  # noqa: S608 - a literal
    rows = await connection.execute(query, [learner, limit])
    return [LearnedState(version=row[0], state=row[1], learned_at=row[2]) async for row in rows]


async def read_newest(
    connection: "psycopg.AsyncConnection[Any]", *, learner: str = SHARED
) -> Mapping[Learned, LearnedState]:
    """Return the newest state of everything that a learner knows, in one round trip; what it does not is left out."""
    rows = await (await connection.execute(_NEWEST, {"learner": learner}, binary=True)).fetchall()
    return {
        Learned(name): LearnedState(version=version, state=state, learned_at=learned_at)
        for name, version, state, learned_at in rows
    }


async def read_states(
    connection: "psycopg.AsyncConnection[Any]",
    what: Learned,
    *,
    versions: Collection[int],
    learner: str = SHARED,
) -> Mapping[int, LearnedState]:
    """Return a learner's states of those versions that there still are, by version."""
    query = f"""
    select version, state, learned_at from {_table(what)} where learner = %s and version = any(%s)
    """  # noqa: S608 - a literal
    rows = await connection.execute(query, [learner, list(versions)])
    return {row[0]: LearnedState(version=row[0], state=row[1], learned_at=row[2]) async for row in rows}


async def write_state(
    connection: "psycopg.AsyncConnection[Any]",
    what: Learned,
    *,
    expected: int,
    state: Mapping[str, Any],
    learner: str = SHARED,
) -> bool:
    """Write a learner's version `expected + 1` if `expected` (0 for none) is its newest; tell whether it was.

    Within a transaction of the caller the answer is about that transaction: when it is False, roll back what
    belongs to the lost state.
    """
    from psycopg.types.json import Jsonb

    table = _table(what)
    query = f"""
    insert into {table} (learner, version, state) select %(learner)s, %(expected)s + 1, %(state)s
    where (select coalesce(max(version), 0) from {table} where learner = %(learner)s) = %(expected)s
    on conflict (learner, version) do nothing
    """  # noqa: S608 - the table's name is a literal
    values = {"learner": learner, "expected": expected, "state": Jsonb(state)}
    return (await connection.execute(query, values)).rowcount == 1


async def learners(connection: "psycopg.AsyncConnection[Any]", what: Learned) -> Sequence[str]:
    """Return whoever has learned anything, by name."""
    query = f"select distinct learner from {_table(what)} order by learner"  # noqa: S608 - the table's name is a literal
    return [row[0] async for row in await connection.execute(query)]


async def prune_states(
    connection: "psycopg.AsyncConnection[Any]",
    what: Learned,
    *,
    keep: int,
    limit: int = 1000,
    learner: str = SHARED,
) -> int:
    """Remove some of a learner's versions before those that are needed, and return how many; call again until it is 0.

    Needed are the newest `keep`, and all since `keep` before the one under which the oldest open decision was made: what
    that decision teaches is weighed by it. The margin is for decisions that were made elsewhere under a state a little
    older, and for those that are not yet written.
    """
    table, column = _table(what), _column(what)
    query = f"""
    delete from {table} where learner = %(learner)s and version in (
        select version from {table} where learner = %(learner)s and version <= least(
            (select max(version) from {table} where learner = %(learner)s),
            (select {column} from feed_decisions
             where closed_at is null and learner = %(learner)s order by decided_at limit 1)
        ) - %(keep)s order by version limit %(limit)s
    )
    """  # noqa: S608 - the names are literals
    return (await connection.execute(query, {"learner": learner, "keep": keep, "limit": limit})).rowcount


def _table(what: Learned) -> "LiteralString":
    """Return the table's name as a literal, so that no other text ever stands in a query."""
    match what:
        case Learned.ARMS:
            return "thompson_arms"
        case Learned.POLICY:
            return "agent_policy"
        case _:
            assert_never(what)


def _column(what: Learned) -> "LiteralString":
    """Return the name of the column of `feed_decisions` that holds the version."""
    match what:
        case Learned.ARMS:
            return "arms_version"
        case Learned.POLICY:
            return "policy_version"
        case _:
            assert_never(what)
