"""How an analysis treats the database: it reads one moment, all rows or none, in time or not at all, and writes nothing."""

import time

import psycopg
import pytest
from tests.experiments.warehouse.histories import DAY, START, random_history, trial, write_database

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.experiments.warehouse.model import Look
from opsctl.experiments.warehouse.postgres import PostgresWarehouse
from opsctl.experiments.warehouse.query import Query
from opsctl.experiments.warehouse.sql_look import SqlLook

HISTORY = random_history(4, units=40)
AT = START + 7.5 * DAY


@pytest.fixture
def filled(database: DatabaseAddress) -> DatabaseAddress:
    """Give a database with a history."""
    write_database(HISTORY, database)
    return database


def test_a_look_sees_one_moment_of_the_database(filled):
    """What is written between two questions belongs to the next look."""
    with PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        before = look.population()
        with connect(filled) as connection:
            connection.execute("delete from experiment_exposures")
        measured = look.measure()

    assert sum(measured.means["clicks"].of_arm(arm).n for arm in before.units) == before.total > 0
    with PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        assert look.population().total == 0


def test_a_look_cannot_write(filled):
    """Whatever its statements were."""
    with pytest.raises(OpsError) as refused, PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        _asked(look, "delete from experiment_exposures returning 1")

    assert refused.value.code == "DBS009"


def test_a_look_that_takes_too_long_is_given_up(filled):
    """By the server, so that nothing goes on behind."""
    began = time.monotonic()

    with (
        pytest.raises(OpsError) as refused,
        PostgresWarehouse(filled, statement_timeout_seconds=0.2).look(trial(), at=[AT]) as look,
    ):
        _asked(look, "select pg_sleep(30)")

    assert refused.value.code == "DBS005"
    assert time.monotonic() - began < 10


def test_a_database_without_the_tables_is_told(empty_database):
    """It is another one than the service's."""
    with (
        pytest.raises(NotReadyError) as refused,
        PostgresWarehouse(empty_database).look(trial(), at=[AT]) as look,
    ):
        look.population()

    assert refused.value.code == "EXP059"


def test_a_role_that_may_see_some_rows_only_is_told(filled):
    """Row-level security would leave an experiment of nobody, which looks like an answer."""
    role = f"reader_{filled.url.rpartition('_')[2]}"
    with connect(filled) as connection:
        connection.execute(f"create role {role} login password 'secret'".encode())
        connection.execute(f"grant select on all tables in schema public to {role}".encode())
    try:
        address = DatabaseAddress(url=filled.url.replace("opsctl@", f"{role}@"), password="secret")

        with (
            pytest.raises(NotReadyError) as refused,
            PostgresWarehouse(address).look(trial(), at=[AT]) as look,
        ):
            look.population()
    finally:
        with connect(filled) as connection:
            connection.execute(f"drop owned by {role}".encode())
            connection.execute(f"drop role {role}".encode())

    assert refused.value.code == "EXP060"


def test_values_that_add_up_to_no_number_are_told(filled):
    """PostgreSQL refuses them itself, where DuckDB says infinity."""
    with connect(filled) as connection:
        connection.execute("update experiment_metrics set value = 1e308 where metric = 'order'")

    with pytest.raises(FailedError) as refused, PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        look.measure()

    assert refused.value.code == "EXP058"


def test_no_event_is_looked_at_once_for_each_unit(filled):
    """The planner expects one unit, and would go through all events for each of them."""
    with PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        assert isinstance(look, SqlLook)
        rows = look._engine.rows
        plans: list[str] = []

        def explained(query: Query) -> list[tuple[object, ...]]:
            text = ", ".join(
                [f"{each.name} as materialized ({each.sql})" for each in query.stages]
                + [f"{name} as ({sql})" for name, sql in query.parts]
            )
            found = look._engine._connection.execute(  # type: ignore[attr-defined]
                f"explain with {text} {query.sql}".encode() if text else f"explain {query.sql}".encode(),
                query.parameters,
            )
            plans.extend(line for (line,) in found.fetchall())
            return rows(query)

        look._engine.rows = explained  # type: ignore[method-assign]
        look.population()
        look.measure()

    assert sum("Hash" in line for line in plans) > 10
    assert [line for line in plans if "Nested Loop" in line] == []


def test_times_do_not_depend_on_the_zone_of_the_session(filled):
    """A day is 24 hours, also where clocks are changed."""
    with PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        wanted = look.population(), look.measure()
    database = filled.url.rpartition("/")[2]
    with connect(filled) as connection:
        connection.execute(f"alter database {database} set timezone = 'America/New_York'".encode())

    with PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        assert (look.population(), look.measure()) == wanted


def test_the_line_is_closed_after_an_error(filled):
    """Nobody is left holding a transaction."""
    with pytest.raises(psycopg.errors.SyntaxError), PostgresWarehouse(filled).look(trial(), at=[AT]) as look:
        _asked(look, "selec")

    with connect(filled) as connection:
        open_ones = connection.execute(
            "select count(*) from pg_stat_activity where application_name = 'opsctl experiments' and datname = current_database()"
        ).fetchone()
    assert open_ones == (0,)


def _asked(look: Look, sql: str) -> list[tuple[object, ...]]:
    """Put a statement of the test's own to the database, in the look's transaction."""
    assert isinstance(look, SqlLook)
    return look._engine.rows(Query(stages=(), sql=sql))
