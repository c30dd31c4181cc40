"""What is the server like that is to be backed up, and does anything speak against it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsctl.clients.postgres import DatabaseAddress
from opsctl.core.errors import NotReadyError, OpsError, RefusedError

if TYPE_CHECKING:
    from psycopg import Connection

# Incremental backups came with 17; `READ_REPLICATION_SLOT`, by which the archiver finds its place, with 15.
OLDEST_INCREMENTAL = 170_000
OLDEST = 150_000

_FACTS = """
    select (select system_identifier::text from pg_control_system()),
           current_setting('server_version_num')::int,
           current_setting('server_version'),
           (select setting::bigint from pg_settings where name = 'wal_segment_size'),
           current_setting('wal_level'),
           coalesce(current_setting('summarize_wal', true), 'off'),
           pg_is_in_recovery(),
           (select count(*) from pg_tablespace where spcname not in ('pg_default', 'pg_global')),
           (select sum(pg_database_size(oid))::bigint from pg_database where has_database_privilege(oid, 'connect'))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What of a server matters to its backups; `version_number` is such as 180006."""

    system_identifier: str
    version_number: int
    version: str
    wal_segment_bytes: int
    wal_level: str
    summarizes_wal: bool
    is_standby: bool
    further_tablespaces: int
    cluster_bytes: int


def read_server(connection: "Connection[tuple[Any, ...]]") -> ServerFacts:
    """Ask the server."""
    row = connection.execute(_FACTS).fetchone()
    if row is None:
        raise NotReadyError("the server tells nothing of itself", code="DBS001", fix="look at its log")
    return ServerFacts(
        system_identifier=row[0],
        version_number=row[1],
        version=row[2],
        wal_segment_bytes=row[3],
        wal_level=row[4],
        summarizes_wal=row[5] == "on",
        is_standby=row[6],
        further_tablespaces=row[7],
        cluster_bytes=row[8] or 0,
    )


def require_direct(address: DatabaseAddress) -> None:
    """Refuse an address that leads through a transaction pooler.

    Raises:
        RefusedError: DRC021.
    """
    if address.through_pooler:
        raise RefusedError(
            f"`{address.shown}` leads through a pooler",
            code="DRC021",
            why="replication, snapshots and session settings do not pass a transaction pooler",
            fix="give the server's own address, or that of a pooler in session mode",
        )


def require_fit_for_base_backup(facts: ServerFacts, *, is_incremental: bool) -> None:
    """Refuse a server of which no base backup can be taken as we take it.

    Raises:
        RefusedError: DRC020 it has further tablespaces, DRC021 anything else.
    """
    if facts.further_tablespaces:
        raise RefusedError(
            f"the server has {facts.further_tablespaces} further tablespaces",
            code="DRC020",
            why="a base backup is kept as one stream, and each tablespace would be another one",
            fix="move their tables to pg_default and drop them, or take a logical backup: "
            "opsctl dr backup --logical",
        )
    if (trouble := _trouble(facts, is_incremental=is_incremental)) is not None:
        raise trouble


def _trouble(facts: ServerFacts, *, is_incremental: bool) -> OpsError | None:
    if facts.version_number < OLDEST:
        return _unfit(
            f"it is of version {facts.version}, and this needs 15 or newer", fix="upgrade the server"
        )
    if facts.is_standby:
        return _unfit("it is a standby", fix="give the address of the primary")
    if facts.wal_level == "minimal":
        return _unfit("its `wal_level` is `minimal`", fix="set wal_level = replica and restart the server")
    if is_incremental and facts.version_number < OLDEST_INCREMENTAL:
        return _unfit("incremental backups came with PostgreSQL 17", fix="take a full one")
    if is_incremental and not facts.summarizes_wal:
        return _unfit(
            "`summarize_wal` is off, so it does not know which blocks changed",
            fix="set summarize_wal = on, then take a full one first: opsctl dr backup --full",
        )
    return None


def _unfit(why: str, *, fix: str) -> RefusedError:
    return RefusedError("the server is not fit for such a backup", code="DRC021", why=why, fix=fix)
