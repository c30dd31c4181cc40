"""How is the database of a ground changed and locked: as its owner may, with SQL."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.ground_place import GroundPlace
from opsctl.core.errors import NotReadyError, OpsError

if TYPE_CHECKING:
    import psycopg

    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.core.clock import Clock

HOLDING = "opsctl-ground-hold"
"""The name under which the database knows the transaction that a fault holds open."""


class GroundDatabase(GroundPlace):
    """A ground whose database can be spoken to; whatever it says against that is an `OpsError`."""

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        super().__init__(root, clock=clock)
        self._held: psycopg.Connection[Any] | None = None

    def execute(self, *statements: str) -> None:
        """Run SQL statements in one transaction."""
        with self._connected() as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        with self._connected() as connection:
            return connection.execute(statement.encode(), values or None).fetchall()

    def hold(self, statement: str) -> None:
        """Run a statement in a transaction that stays open until `release`."""
        from opsctl.clients.postgres import connect

        address = self._database()
        with _translated(address):
            self._held = connect(address)
            self._held.execute(f"set application_name = '{HOLDING}'".encode())
            self._held.execute(statement.encode())

    def release(self) -> None:
        """End what `hold` began, also where another process did."""
        held, self._held = self._held, None
        if held is not None:
            import psycopg

            with suppress(psycopg.Error):  # a connection that is lost has nothing to roll back
                held.rollback()
            held.close()
        else:
            self.execute(
                f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{HOLDING}'"  # noqa: S608
            )

    @property
    def holds(self) -> bool:
        """Tell whether this process holds a transaction open."""
        return self._held is not None

    def still_holds(self) -> bool:
        """Tell whether the database knows that transaction, too: it may have ended the connection meanwhile."""
        if self._held is None:
            return False
        try:
            with _translated(self._database()):
                self._held.execute(b"select 1")
        except OpsError:
            return False
        return True

    @contextmanager
    def _connected(self) -> "Iterator[psycopg.Connection[Any]]":
        from opsctl.clients.postgres import connect

        address = self._database()
        with _translated(address), connect(address) as connection:
            yield connection

    def _database(self) -> "DatabaseAddress":
        from opsctl.clients.postgres import DatabaseAddress
        from opsctl.stack.status import stack_status

        state = stack_status(self.home)
        return DatabaseAddress.with_password_file(
            state.database_url, password_file=state.database_password_file, statement_timeout_seconds=60
        )


@contextmanager
def _translated(address: "DatabaseAddress") -> Iterator[None]:
    """Turn every error of the database into an `OpsError`: a fault that cannot be made ends a drill, not the program."""
    import psycopg

    from opsctl.clients.postgres import translated_errors

    try:
        with translated_errors(address):
            yield
    except psycopg.Error as error:
        raise NotReadyError(
            "the database of the proving ground refuses a statement",
            code="CHA067",
            why=str(error).strip(),
            fix="look at the ground: opsctl chaos ground, then opsctl --project .opsctl/proving stack status",
        ) from error
