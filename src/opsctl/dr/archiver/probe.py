"""What does the server say: who it is, how far its log is, and how much of it the archiver's slot has confirmed?"""

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.core.errors import NotReadyError
from opsctl.dr.postgres.wal import Segment, parse_lsn, parse_segment_name

if TYPE_CHECKING:
    from psycopg import Connection

_STATE = """
    select (select system_identifier::text from pg_control_system()),
           (select setting::bigint from pg_settings where name = 'wal_segment_size'),
           case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) end,
           case when not pg_is_in_recovery() then pg_current_wal_flush_lsn()::text end,
           slot.slot_name is not null,
           slot.restart_lsn::text,
           coalesce(slot.wal_status = 'lost', false)
      from (select 1) as always left join pg_replication_slots as slot on slot.slot_name = %s
"""
_OLDEST = "select min(name) from pg_ls_waldir() where name like %s and length(name) = 24"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """The server just now; `confirmed_lsn` is what the slot says was received, None before anything was."""

    system_identifier: str
    segment_bytes: int
    timeline: int
    flush_lsn: int
    has_slot: bool
    confirmed_lsn: int | None
    slot_is_lost: bool


class Probe:
    """Asks the server over one connection, which is opened again where it broke."""

    def __init__(self, address: DatabaseAddress, *, slot: str) -> None:
        self._address = address
        self._slot = slot
        self._connection: Connection[tuple[Any, ...]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self) -> ServerState:
        """Return how the server is.

        Raises:
            NotReadyError: DBS001-DBS003 nobody answers, DBS005 not in time, DRC021 it is a standby, has no
                slot left, or the role may not use one.
        """
        row = self._fetch(_STATE, (self._slot,))
        if row[2] is None:
            raise _unfit("the server is a standby", fix="give the address of the primary")
        return ServerState(
            system_identifier=row[0],
            segment_bytes=row[1],
            timeline=int(row[2], 16),
            flush_lsn=parse_lsn(row[3]),
            has_slot=row[4],
            confirmed_lsn=parse_lsn(row[5]) if row[5] else None,
            slot_is_lost=row[6],
        )

    def make_slot(self) -> None:
        """Make the slot, from which on the server keeps its log for us."""
        self._fetch("select pg_create_physical_replication_slot(%s, true)::text", (self._slot,))

    def drop_slot(self) -> None:
        """Remove the slot."""
        self._fetch("select pg_drop_replication_slot(%s)::text", (self._slot,))

    def oldest_segment(self, *, timeline: int, segment_bytes: int) -> Segment | None:
        """Return the oldest segment of a timeline that the server still has; None where we may not see it."""
        try:
            row = self._fetch(_OLDEST, (f"{timeline:08X}%",))
        except _MayNotError:
            return None
        return parse_segment_name(row[0], segment_bytes=segment_bytes) if row[0] else None

    def _fetch(self, statement: str, values: tuple[str, ...]) -> tuple[Any, ...]:
        import psycopg

        try:
            with translated_errors(self._address):
                return self._execute(statement, values)
        except psycopg.errors.InsufficientPrivilege as error:
            raise _MayNotError(
                "the role may not do what an archiver does",
                code="DRC021",
                why=str(error).strip(),
                fix="let it: alter role NAME with replication; grant pg_monitor to NAME",
            ) from error
        except NotReadyError:
            self.close()
            raise

    def _execute(self, statement: str, values: tuple[str, ...]) -> tuple[Any, ...]:
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = connect(self._address, autocommit=True, application_name="opsctl archiver")
        try:
            return self._connection.execute(statement.encode(), values).fetchone() or ()
        except psycopg.errors.ConfigurationLimitExceeded as error:
            raise _unfit(
                str(error).strip(), fix="raise `max_replication_slots` and restart the server"
            ) from error


class _MayNotError(NotReadyError):
    """The role lacks a right."""


def _unfit(why: str, *, fix: str) -> NotReadyError:
    return NotReadyError("the log of this server cannot be archived", code="DRC021", why=why, fix=fix)
