"""How is the database of a ground changed and locked: as its owner may, with SQL."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.cli.ground_place import GroundPlace

if TYPE_CHECKING:
    import psycopg

    from opsctl.clients.postgres import DatabaseAddress
    from opsctl.core.clock import Clock

HOLDING = "opsctl-ground-hold"
"""The name under which the database knows the transaction that a fault holds open."""


class GroundDatabase(GroundPlace):
    """A ground whose database can be spoken to."""

    def __init__(self, root: Path, *, clock: "Clock") -> None:
        super().__init__(root, clock=clock)
        self._held: psycopg.Connection[Any] | None = None

    def execute(self, *statements: str) -> None:
        """Run SQL statements in one transaction."""
        from opsctl.clients.postgres import connect

        with connect(self._database()) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        from opsctl.clients.postgres import connect

        with connect(self._database()) as connection:
            return connection.execute(statement.encode(), values or None).fetchall()

    def hold(self, statement: str) -> None:
        """Run a statement in a transaction that stays open until `release`."""
        from opsctl.clients.postgres import connect

        self._held = connect(self._database())
        self._held.execute(f"set application_name = '{HOLDING}'".encode())
        self._held.execute(statement.encode())

    def release(self) -> None:
        """End what `hold` began, also where another process did."""
        if self._held is not None:
            self._held.rollback()
            self._held.close()
            self._held = None
        else:
            self.execute(
                f"select pg_terminate_backend(pid) from pg_stat_activity where application_name = '{HOLDING}'"  # noqa: S608
            )

    def _database(self) -> "DatabaseAddress":
        from opsctl.clients.postgres import DatabaseAddress
        from opsctl.stack.status import stack_status

        state = stack_status(self.home)
        return DatabaseAddress.with_password_file(
            state.database_url, password_file=state.database_password_file, statement_timeout_seconds=60
        )

    @property
    def holds(self) -> bool:
        """Tell whether this process holds a transaction open."""
        return self._held is not None
