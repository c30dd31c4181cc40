"""What was learned so far: states by version, the next one written only by whoever knows the one before."""

from collections.abc import Collection, Mapping
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


_NEWEST = """
(select 'thompson_arms', version, state, learned_at from thompson_arms order by version desc limit 1)
union all
(select 'agent_policy', version, state, learned_at from agent_policy order by version desc limit 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedState:
    """One version of what was learned; `state` is a JSON object whose floats come back bit for bit."""

    version: int
    state: Mapping[str, Any]
    learned_at: datetime


async def read_state(
    connection: "psycopg.AsyncConnection[Any]", what: Learned, *, version: int | None = None
) -> LearnedState | None:
    """Return the newest state, or that of a version; None where there is none (yet, or any more)."""
    table = _table(what)
    query = f"""
    select version, state, learned_at from {table}
    where version = coalesce(%s, (select max(version) from {table}))
    """  # noqa: S608 - the table's name is a literal
    found = await connection.execute(query, [version])
    row = await found.fetchone()
    return LearnedState(version=row[0], state=row[1], learned_at=row[2]) if row else None


async def read_newest(connection: "psycopg.AsyncConnection[Any]") -> Mapping[Learned, LearnedState]:
    """Return the newest state of everything that was learned, in one round trip; what was not is left out."""
    rows = await (await connection.execute(_NEWEST, binary=True)).fetchall()
    return {
        Learned(name): LearnedState(version=version, state=state, learned_at=learned_at)
        for name, version, state, learned_at in rows
    }


async def read_states(
    connection: "psycopg.AsyncConnection[Any]", what: Learned, *, versions: Collection[int]
) -> Mapping[int, LearnedState]:
    """Return the states of those versions that there still are, by version."""
    query = f"select version, state, learned_at from {_table(what)} where version = any(%s)"  # noqa: S608 - a literal
    rows = await connection.execute(query, [list(versions)])
    return {row[0]: LearnedState(version=row[0], state=row[1], learned_at=row[2]) async for row in rows}


async def write_state(
    connection: "psycopg.AsyncConnection[Any]", what: Learned, *, expected: int, state: Mapping[str, Any]
) -> bool:
    """Write version `expected + 1` if `expected` (0 for none) is the newest; tell whether it was.

    Within a transaction of the caller the answer is about that transaction: when it is False, roll back what
    belongs to the lost state.
    """
    from psycopg.types.json import Jsonb

    table = _table(what)
    query = f"""
    insert into {table} (version, state) select %(expected)s + 1, %(state)s
    where (select coalesce(max(version), 0) from {table}) = %(expected)s
    on conflict (version) do nothing
    """  # noqa: S608 - the table's name is a literal
    return (await connection.execute(query, {"expected": expected, "state": Jsonb(state)})).rowcount == 1


async def prune_states(
    connection: "psycopg.AsyncConnection[Any]", what: Learned, *, keep: int, limit: int = 1000
) -> int:
    """Remove some of the versions before those that are needed, and return how many; call again until it is 0.

    Needed are the newest `keep`, and all since `keep` before the one under which the oldest open decision was made: what
    that decision teaches is weighed by it. The margin is for decisions that were made elsewhere under a state a little
    older, and for those that are not yet written.
    """
    table, column = _table(what), _column(what)
    query = f"""
    delete from {table} where version in (
        select version from {table} where version <= least(
            (select max(version) from {table}),
            (select {column} from feed_decisions where closed_at is null order by decided_at limit 1)
        ) - %s order by version limit %s
    )
    """  # noqa: S608 - the names are literals
    return (await connection.execute(query, [keep, limit])).rowcount


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
