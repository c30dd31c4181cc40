"""Which experiments were started, with which book, and how far they are ramped up: rows whose books never change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

_COLUMNS = "name, spec, digest, ramp, started_at, ended_at"
_SELECT = f"select {_COLUMNS} from experiments"  # noqa: S608 - literals only
_RUNNING = f"{_SELECT} where ended_at is null order by name"
_ALL = f"{_SELECT} order by started_at, name"
_ONE = f"{_SELECT} where name = %s"
_INSERT = (
    "insert into experiments (name, spec, digest, ramp) values (%s, %s, %s, %s) on conflict (name) do nothing"
)
_START = f"{_INSERT} returning {_COLUMNS}"
_SET_RAMP = (
    "update experiments set ramp = %(ramp)s where name = %(name)s and ended_at is null and ramp <= %(ramp)s"
)
_RAMP = f"{_SET_RAMP} returning {_COLUMNS}"
# Not before its start, even where the server's clock went back meanwhile.
_SET_ENDED = """
update experiments set ended_at = greatest(clock_timestamp(), started_at) where name = %s and ended_at is null
"""
_END = f"{_SET_ENDED} returning {_COLUMNS}"
_LOCK = "select pg_advisory_xact_lock(%s)"
_WRITTEN = """
select name from unnest(%s::text[]) as asked (name) where exists (select from experiment_metrics where metric = name)
"""
_UNITS = """
select variant, count(distinct unit_id), max(exposed_at) from experiment_exposures where experiment = %s group by variant
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRow:
    """An experiment as it was started.

    Args:
        spec: its book, without the ramp, in the form of `experiments.registry`.
        digest: the SHA-256 of that.
        ramp: the share of the eligible units that is let in now.
        ended_at: None while it runs.
    """

    name: str
    spec: Mapping[str, Any] = field(repr=False)
    digest: str
    ramp: float
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmUnits:
    """How many units saw an arm, and when the last one did."""

    units: int
    last_at: datetime


async def running_experiments(connection: "psycopg.AsyncConnection[Any]") -> Sequence[ExperimentRow]:
    """Return the experiments that run now, by name; `experiments.registry.started_of` makes books of them."""
    return [_row(row) async for row in await connection.execute(_RUNNING)]


def read_experiments(connection: "psycopg.Connection[Any]") -> Sequence[ExperimentRow]:
    """Return all experiments that were ever started, the oldest first."""
    return [_row(row) for row in connection.execute(_ALL)]


def read_experiment(connection: "psycopg.Connection[Any]", name: str) -> ExperimentRow | None:
    """Return an experiment; None where it was never started."""
    row = connection.execute(_ONE, [name]).fetchone()
    return _row(row) if row else None


def lock_starts(connection: "psycopg.Connection[Any]") -> None:
    """Let the caller's transaction be the only one that starts an experiment, until it ends."""
    from opsctl.store.locks import key_of

    connection.execute(_LOCK, [key_of("experiments: start")])


def start_experiment(
    connection: "psycopg.Connection[Any]", *, name: str, spec: Mapping[str, Any], digest: str, ramp: float
) -> ExperimentRow | None:
    """Write the start of an experiment, now; None where one of this name was started before."""
    from psycopg.types.json import Jsonb

    row = connection.execute(_START, [name, Jsonb(spec), digest, ramp]).fetchone()
    return _row(row) if row else None


def raise_ramp(connection: "psycopg.Connection[Any]", name: str, *, ramp: float) -> ExperimentRow | None:
    """Let more units in; None where it does not run, or the ramp would fall."""
    row = connection.execute(_RAMP, {"name": name, "ramp": ramp}).fetchone()
    return _row(row) if row else None


def end_experiment(connection: "psycopg.Connection[Any]", name: str) -> ExperimentRow | None:
    """End an experiment, now and for good; None where it does not run."""
    row = connection.execute(_END, [name]).fetchone()
    return _row(row) if row else None


def units_by_arm(connection: "psycopg.Connection[Any]", name: str) -> Mapping[str, ArmUnits]:
    """Return how many units saw each arm of an experiment, arms that nobody saw left out."""
    rows = connection.execute(_UNITS, [name]).fetchall()
    return {arm: ArmUnits(units=units, last_at=last_at) for arm, units, last_at in sorted(rows)}


def _row(row: tuple[Any, ...]) -> ExperimentRow:
    return ExperimentRow(
        name=row[0], spec=row[1], digest=row[2], ramp=row[3], started_at=row[4], ended_at=row[5]
    )


def written_metrics(connection: "psycopg.Connection[Any]", names: Collection[str]) -> set[str]:
    """Return those of these events of which somebody has written any into `experiment_metrics`."""
    return {name for (name,) in connection.execute(_WRITTEN, [sorted(names)])}
