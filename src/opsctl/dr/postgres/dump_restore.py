"""How does a dump come back, into a database with nothing in it, and is everything there?"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import run
from opsctl.core.errors import FailedError, RefusedError
from opsctl.core.events import Listener, PhaseAdvanced, PhaseStarted
from opsctl.dr.manifest import Dump
from opsctl.dr.ports import FileVault
from opsctl.dr.postgres.dump_folder import new_dump_folder, read_names
from opsctl.dr.postgres.private_folder import make_private_folder
from opsctl.dr.postgres.rows import count_rows, require_rows
from opsctl.dr.postgres.tar_files import unpack

if TYPE_CHECKING:
    from psycopg import Connection

_SUBJECT = "postgres"
_RELATIONS = """
    select count(*) from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname not in ('pg_catalog', 'information_schema') and nspname not like 'pg\\_toast%'
       and nspname not like 'pg\\_temp%' and relpersistence <> 't'
       and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid
                       and deptype = 'e')
"""


class Ownership(StrEnum):
    """Whose the restored tables are."""

    KEPT = "kept"
    """Of the roles that owned them, which must be there; grants and policies too."""
    OURS = "ours"
    """Of the role that restores; grants and policies are left out, which name roles that may not be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpRestorePlan:
    """How a dump is restored.

    Args:
        spool: a folder in which the dump is unpacked.
        jobs: processes; with one, it is a single transaction.
        ownership: whose the tables are afterwards.
    """

    spool: Path
    jobs: int = 1
    ownership: Ownership = Ownership.KEPT


def restore_dump(
    dump: Dump,
    *,
    address: DatabaseAddress,
    plan: DumpRestorePlan,
    programs: PostgresPrograms,
    vault: FileVault,
    listener: Listener,
) -> dict[str, int]:
    """Restore a dump into a database with nothing in it, and return the rows of each table, which are those dumped.

    With one job it is one transaction: a failure leaves the database as empty as it was.

    Raises:
        RefusedError: DRC032 there is something in the database.
        FailedError: DRC022 the dump is damaged, DRC030 the restore failed, DRC033 rows are missing.
        NotReadyError: DBS001-DBS008, PGP001-PGP004, FIL001, FIL003; whatever the vault raises.
    """
    with translated_errors(address), connect(address, autocommit=True) as connection:
        _, number, _ = read_names(connection)
        programs.require_not_older("pg_restore", server_version=number)
        _require_empty(connection, address)
    with new_dump_folder(plan.spool, account=programs.account) as folder:
        make_private_folder(folder, account=programs.account)
        unpack(
            _followed(vault.get(dump.tar), dump=dump, listener=listener),
            into=folder,
            account=programs.account,
        )
        _restore(address, plan=plan, programs=programs, folder=folder)
    with translated_errors(address), connect(address) as connection:
        found = count_rows(connection, listener=listener)
    require_rows(found, expected=dump.tables, what=f"`{address.shown}`")
    return found


def require_empty(address: DatabaseAddress) -> None:
    """Refuse a database with anything in it.

    Raises:
        RefusedError: DRC032.
        NotReadyError: DBS001-DBS008.
    """
    with translated_errors(address), connect(address, autocommit=True) as connection:
        _require_empty(connection, address)


def _require_empty(connection: "Connection[tuple[Any, ...]]", address: DatabaseAddress) -> None:
    row = connection.execute(_RELATIONS).fetchone()
    if row is None or row[0]:
        raise RefusedError(
            f"there are tables in `{address.shown}` already",
            code="DRC032",
            why="a dump is restored into an empty database only, so that nothing is written over or mixed",
            fix="make a new database, and name that one: createdb NAME",
        )


def _followed(pieces: Iterator[bytes], *, dump: Dump, listener: Listener) -> Iterator[bytes]:
    phase = "fetch dump"
    listener(PhaseStarted(subject=_SUBJECT, phase=phase, total=dump.tar.size_bytes, unit="bytes"))
    for piece in pieces:
        listener(PhaseAdvanced(subject=_SUBJECT, phase=phase, advance=len(piece)))
        yield piece


def _restore(
    address: DatabaseAddress, *, plan: DumpRestorePlan, programs: PostgresPrograms, folder: Path
) -> None:
    jobs = ["--single-transaction"] if plan.jobs == 1 else [f"--jobs={plan.jobs}"]
    ours = ["--no-owner", "--no-privileges", "--no-policies"] if plan.ownership is Ownership.OURS else []
    outcome = run(programs, "pg_restore", *jobs, *ours, "--exit-on-error", str(folder), address=address)
    if outcome.exit_code != 0 or outcome.errors:
        rest = "" if plan.jobs == 1 else "; the database is half full now, so drop it"
        raise FailedError(
            "the dump cannot be restored",
            code="DRC030",
            why=outcome.words + rest,
            fix="make the roles first that it names, or leave owners and grants out",
        )
