"""How is a database copied whose files nobody can reach, such as hosted Supabase: a dump, and what must be in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import run, running
from opsctl.core.errors import FailedError, NotReadyError
from opsctl.core.events import Listener, Noted, PhaseAdvanced, PhaseStarted
from opsctl.dr.manifest import Dump, SealedFile
from opsctl.dr.ports import FileVault
from opsctl.dr.postgres.dump_folder import new_dump_folder, read_names
from opsctl.dr.postgres.rows import count_rows
from opsctl.dr.postgres.server import require_direct
from opsctl.dr.postgres.tar_files import pack

if TYPE_CHECKING:
    from psycopg import Connection

_SUBJECT = "postgres"
_PHASE = "dump"
_LAST_WORDS = b"cluster dump complete"
_ENDING_BYTES = 200
_TABLE_OF_CONTENTS = "toc.dat"


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpPlan:
    """What is dumped, and how.

    Args:
        spool: a folder in which the dump is written before it goes into the vault, compressed.
        jobs: processes, each with a connection of its own.
        schemas: only these; all of them without any.
    """

    spool: Path
    jobs: int = 2
    schemas: tuple[str, ...] = ()


def take_dump(
    address: DatabaseAddress,
    *,
    plan: DumpPlan,
    programs: PostgresPrograms,
    vault: FileVault,
    prefix: str,
    listener: Listener,
) -> Dump:
    """Dump a database into the vault, and count the rows of every table in the very snapshot that is dumped.

    Raises:
        RefusedError: DRC021 the address leads through a transaction pooler.
        NotReadyError: DBS001-DBS008, PGP001-PGP004, FIL001, FIL003; whatever the vault raises.
        FailedError: DRC022 the dump is not whole.
    """
    require_direct(address)
    with (
        translated_errors(address),
        connect(address) as connection,
        new_dump_folder(plan.spool, account=programs.account) as folder,
    ):
        version, number, database = read_names(connection)
        programs.require_not_older("pg_dump", server_version=number)
        snapshot = _export_snapshot(connection)
        tables = count_rows(connection, schemas=plan.schemas, listener=listener)
        _dump(address, plan=plan, programs=programs, snapshot=snapshot, into=folder, listener=listener)
        roles = _put_globals(connection, address, programs=programs, vault=vault, prefix=prefix)
        connection.rollback()
        tar = vault.put(f"{prefix}/dump.tar", pack(folder))
    if roles is None:
        listener(Noted(subject=_SUBJECT, message="roles were not backed up: this role may not read them"))
    return Dump(tar=tar, globals=roles, server_version=version, database=database, tables=tables)


def _export_snapshot(connection: "Connection[tuple[Any, ...]]") -> str:
    """Begin a transaction whose view of the database others can share, for as long as it lasts."""
    connection.execute("set transaction isolation level repeatable read, read only")
    # Waiting for the dump is no idleness, and the counts take as long as they take.
    for name in ("statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"):
        connection.execute("select set_config(name, '0', true) from pg_settings where name = %s", (name,))
    row = connection.execute("select pg_export_snapshot()").fetchone()
    if row is None:
        raise NotReadyError("the server gives no snapshot away", code="DBS001", fix="look at its log")
    return str(row[0])


def _dump(
    address: DatabaseAddress,
    *,
    plan: DumpPlan,
    programs: PostgresPrograms,
    snapshot: str,
    into: Path,
    listener: Listener,
) -> None:
    listener(PhaseStarted(subject=_SUBJECT, phase=_PHASE, unit="tables"))

    def heard(line: str) -> None:
        if "dumping contents of table" in line:
            listener(PhaseAdvanced(subject=_SUBJECT, phase=_PHASE, advance=1))

    options = (
        *("--format=directory", f"--jobs={plan.jobs}", f"--snapshot={snapshot}", f"--file={into}"),
        # The vault compresses again, for little; without this the spool would take several times as much.
        *("--compress=gzip:1", "--no-sync", "--verbose", "--lock-wait-timeout=60s"),
        *(f"--schema={_quoted(name)}" for name in plan.schemas),
    )
    outcome = run(programs, "pg_dump", *options, address=address, heard=heard)
    outcome.require_success()
    if not (into / _TABLE_OF_CONTENTS).is_file():
        raise FailedError(
            "the dump is not whole, and was not kept",
            code="DRC022",
            why=f"there is no `{_TABLE_OF_CONTENTS}` in it: {outcome.words}",
            fix="run the command again",
        )


def _put_globals(
    connection: "Connection[tuple[Any, ...]]",
    address: DatabaseAddress,
    *,
    programs: PostgresPrograms,
    vault: FileVault,
    prefix: str,
) -> SealedFile | None:
    """Keep the roles, with their passwords where these can be read; None where nothing of them can."""
    row = connection.execute("select has_table_privilege('pg_catalog.pg_authid', 'select')").fetchone()
    options = ["--globals-only", *([] if row and row[0] else ["--no-role-passwords"])]

    def pieces() -> Iterator[bytes]:
        with running(programs, "pg_dumpall", *options, address=address) as program:
            ending = Ending()
            yield from ending.of(program.pieces())
            outcome = program.outcome()
            if "permission denied" in outcome.words:
                raise _NotPermittedError
            outcome.require_success()
            if _LAST_WORDS not in ending.text:
                raise FailedError(
                    "the roles were not backed up",
                    code="DRC022",
                    why="the dump of them breaks off",
                    fix="run again",
                )

    try:
        return vault.put(f"{prefix}/globals.sql", pieces())
    except _NotPermittedError:
        return None


@dataclass(slots=True)
class Ending:
    """The last bytes of what went by; the system cuts it into pieces where it likes."""

    text: bytes = b""

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces as they come."""
        for piece in pieces:
            self.text = (self.text + piece[-_ENDING_BYTES:])[-_ENDING_BYTES:]
            yield piece


class _NotPermittedError(Exception):
    """The role may not read the roles."""


def _quoted(name: str) -> str:
    """Return a name as a pattern that stands for nothing else."""
    return '"' + name.replace('"', '""') + '"'
