"""What the database of a ground says against a fault is an error of opsctl, and a transaction that it ended is noticed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsctl.cli.ground_database import GroundDatabase
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotReadyError


class GroundWithDatabase(GroundDatabase):
    """A ground of which there is only the database."""

    def __init__(self, root: Path, address: DatabaseAddress) -> None:
        super().__init__(root, clock=SystemClock())
        self._address = address

    def _database(self) -> DatabaseAddress:
        return self._address


@pytest.fixture
def ground(tmp_path: Path, database: DatabaseAddress) -> Iterator[GroundWithDatabase]:
    """Return a ground with the database of this test."""
    made = GroundWithDatabase(tmp_path, database)
    yield made
    if made.holds:
        made.release()


def end_connections(address: DatabaseAddress) -> None:
    """End what others hold open, as an administrator would."""
    with connect(address) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )


def test_a_transaction_stays_open_until_it_is_released(ground: GroundWithDatabase) -> None:
    """And both are known."""
    ground.hold("lock table interactions in access exclusive mode")
    assert ground.still_holds()

    ground.release()

    assert not ground.holds
    assert not ground.still_holds()


def test_a_transaction_that_the_database_ended_is_noticed_and_its_release_is_harmless(
    ground: GroundWithDatabase, database: DatabaseAddress
) -> None:
    """The process that held it would not hear of it by itself."""
    ground.hold("lock table interactions in access exclusive mode")
    end_connections(database)
    assert ground.holds
    assert not ground.still_holds()

    ground.release()

    assert not ground.holds


@pytest.mark.parametrize("statement", ["select * from no_such_table", "no sql", "select 1 / 0"])
def test_a_statement_that_is_refused_is_an_error_of_opsctl(
    ground: GroundWithDatabase, statement: str
) -> None:
    """So the drill is inconclusive, and everything else is still undone."""
    for run in (ground.execute, ground.query, ground.hold):
        with pytest.raises(NotReadyError) as caught:
            run(statement)
        assert caught.value.code == "CHA067"


def test_a_database_that_is_gone_is_an_error_of_opsctl(ground: GroundWithDatabase) -> None:
    """With its usual code."""
    gone = GroundWithDatabase(ground.root, DatabaseAddress(url="postgresql://x@127.0.0.1:9/x", password="x"))

    with pytest.raises(NotReadyError) as caught:
        gone.execute("select 1")

    assert caught.value.code == "DBS001"
