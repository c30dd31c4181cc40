"""How are experiments analysed in PostgreSQL, where the service writes them: one read-only snapshot for a whole look."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.core.errors import NotReadyError
from opsctl.experiments.metric_book import Metric
from opsctl.experiments.warehouse.measuring import overflow
from opsctl.experiments.warehouse.model import Crossing, Look, Trial
from opsctl.experiments.warehouse.query import POSTGRES, Dialect, Query, literals
from opsctl.experiments.warehouse.sql_look import SqlLook, cross

if TYPE_CHECKING:
    import psycopg

STATEMENT_TIMEOUT_SECONDS = 600.0
_PLANS = "set local enable_nestloop = off; set local jit = off; set local row_security = off"
"""A policy that hides rows is an error, and no smaller experiment. Of a common table expression the planner expects one row, and would look at all events again for each unit; every join
here is one of equality, which hashing does in one pass. Compiling statements of this length takes longer than they do."""


class PostgresWarehouse:
    """The tables experiment_exposures, experiment_metrics and interactions.

    An event is a row of experiment_metrics, or an interaction: its kind is the event's name, its reader the unit, its value
    1. A name that stands in both counts from both.
    """

    def __init__(
        self, address: DatabaseAddress, *, statement_timeout_seconds: float = STATEMENT_TIMEOUT_SECONDS
    ) -> None:
        self._address = address
        self._timeout_seconds = statement_timeout_seconds

    @contextmanager
    def look(self, trial: Trial, *, at: Sequence[datetime]) -> Iterator[Look]:
        """Open a look at an experiment.

        Raises:
            UsageError: EXP050 a moment makes no sense.
            NotReadyError: DBS001-DBS005 the database does not answer, or not in time, EXP059 it lacks the tables.
        """
        with self._opened() as engine:
            yield SqlLook(engine, trial, at=at)

    def cross(self, one: Trial, other: Trial, *, at: datetime, metrics: Mapping[str, Metric]) -> Crossing:
        """Return the units that are in both experiments."""
        with self._opened() as engine:
            return cross(engine, one, other, at=at, metrics=metrics)

    @contextmanager
    def _opened(self) -> Iterator["_Postgres"]:
        import psycopg

        with connect(self._address, application_name="opsctl experiments") as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            try:
                with translated_errors(self._address):
                    milliseconds = max(1, round(self._timeout_seconds * 1000))
                    connection.execute(f"set local statement_timeout = {milliseconds}; {_PLANS}".encode())
                    yield _Postgres(connection)
            except psycopg.errors.UndefinedTable as error:
                raise no_tables(self._address, error) from error
            except psycopg.errors.InsufficientPrivilege as error:
                raise hidden_rows(self._address, error) from error
            except psycopg.errors.NumericValueOutOfRange as error:
                raise overflow("a metric") from error


class _Postgres:
    """An open transaction; stages are common table expressions, because it writes nothing."""

    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        """Return how it writes."""
        return POSTGRES

    @property
    def most_values_at_once(self) -> int | None:
        """Return None: it sorts on disk by itself."""
        return None

    def exposures(self, *, parameter: str) -> str:
        """Return a select of the exposures of an experiment."""
        return (
            f"""select unit_id, variant collate "C" as variant, {_microseconds("exposed_at")} as moment,"""
            ' attributes::text collate "C" as attributes'
            f" from experiment_exposures where experiment = {POSTGRES.placeholder(parameter)}"
        )

    def events(self, *, names: Sequence[str], since: int, until: int) -> str:
        """Return a select of events of both tables."""
        from_metrics = (
            f"select metric as event, unit_id, value, {_microseconds('observed_at')} as moment from experiment_metrics"
            f" where metric in ({literals(names)}) and {_between('observed_at', since, until)}"
        )
        from_interactions = (
            f"select kind, user_id::text, 1::double precision, {_microseconds('occurred_at')} from interactions"
            f" where kind in ({literals(names)}) and {_between('occurred_at', since, until)}"
        )
        return f"{from_metrics} union all {from_interactions}"

    def rows(self, query: Query) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        stages = [f"{stage.name} as materialized ({stage.sql})" for stage in query.stages]
        parts = [*stages, *(f"{name} as ({sql})" for name, sql in query.parts)]
        sql = f"with {', '.join(parts)} {query.sql}" if parts else query.sql
        return self._connection.execute(sql.encode(), query.parameters).fetchall()


def no_tables(address: DatabaseAddress, error: Exception) -> NotReadyError:
    """Return what it means that a table is missing."""
    return NotReadyError(
        f"`{address.shown}` has no tables of experiments",
        code="EXP059",
        why=str(error).splitlines()[0],
        fix="bring its schema up to date: opsctl stack up",
    )


def hidden_rows(address: DatabaseAddress, error: Exception) -> NotReadyError:
    """Return what it means that this role may not see everything."""
    return NotReadyError(
        f"this role may not see all exposures and events in `{address.shown}`",
        code="EXP060",
        why=str(error).splitlines()[0],
        fix="take the owner of the tables, or a role with `bypassrls` that may read them",
    )


def _microseconds(column: str) -> str:
    return f"(extract(epoch from {column}) * 1000000)::bigint"


def _between(column: str, since: int, until: int) -> str:
    return f"{column} >= {_moment(since)} and {column} < {_moment(until)}"


def _moment(microseconds: int) -> str:
    """Return a time exactly: a float of seconds would lose some microseconds."""
    return f"(timestamptz '1970-01-01 00:00:00+00' + interval '{microseconds} microseconds')"
