"""Which migrations has this database had, which are due, and how are they applied so that it happens once each."""

import hashlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

from opsctl.clients.files import read_text
from opsctl.core.errors import FailedError, OpsError, RefusedError, UsageError
from opsctl.core.events import Listener, PhaseFinished, PhaseStarted, ignore
from opsctl.core.findings import Location

if TYPE_CHECKING:
    import psycopg

MIGRATIONS_DIR = Path(__file__).resolve().parent / "migrations"

_FILE_NAME = re.compile(r"(?P<version>\d{14})_(?P<name>[a-z0-9_]+)\.sql")
# Any number that no other program is likely to lock: the first eight bytes of sha256("opsctl migrations").
_LOCK_KEY = int.from_bytes(hashlib.sha256(b"opsctl migrations").digest()[:8], signed=True)

# The first table is the Supabase CLI's own, column by column, so that `supabase migration list` and `supabase db
# push` agree with us. Our digests live beside it: a column more would break nothing today, but that table is theirs.
_BOOKKEEPING = """
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;
create table if not exists supabase_migrations.opsctl_digests (
    version text primary key,
    sha256 text not null,
    applied_at timestamptz not null default clock_timestamp()
);
comment on table supabase_migrations.opsctl_digests is
    'SHA-256 of each migration file as opsctl applied it, so that a file changed afterwards is noticed.';
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered SQL file."""

    version: str
    name: str
    path: Path
    sql: str = field(repr=False)

    @property
    def sha256(self) -> str:
        """Return the digest of the file's text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    versions: frozenset[str]
    digests: dict[str, str]


def find_migrations(folder: Path = MIGRATIONS_DIR) -> tuple[Migration, ...]:
    """Return the SQL files of a folder, oldest first.

    Raises:
        UsageError: MIG001 when a name is not `<YYYYMMDDHHMMSS>_name.sql`, or a version stands twice.
    """
    migrations = tuple(_read_migration(path) for path in sorted(folder.glob("*.sql")))
    versions = [migration.version for migration in migrations]
    for version in versions:
        if versions.count(version) > 1:
            raise UsageError(
                f"version `{version}` stands twice in `{folder}`",
                code="MIG001",
                fix="number one of them anew",
            )
    return migrations


def plan_migrations(
    connection: "psycopg.Connection[Any]", *, migrations: Sequence[Migration] | None = None
) -> list[Migration]:
    """Return the migrations that are due, and write nothing.

    Raises:
        RefusedError: MIG002 when an applied file was changed, MIG003 when the database is ahead of this opsctl.
    """
    wanted = find_migrations() if migrations is None else migrations
    _expect_idle(connection)
    with connection.transaction():
        applied = _read_applied(connection)
    _refuse_changed(wanted, applied)
    _refuse_newer_database(wanted, applied)
    return [migration for migration in wanted if migration.version not in applied.versions]


def apply_migrations(
    connection: "psycopg.Connection[Any]",
    *,
    listener: Listener = ignore,
    migrations: Sequence[Migration] | None = None,
) -> list[Migration]:
    """Apply what is due, each migration in a transaction of its own, and return what this call applied.

    Two callers at once are kept apart by an advisory lock; it is held by the transaction, so it works through a
    transaction pooler too.

    Raises:
        RefusedError: as `plan_migrations`.
        FailedError: MIG004 when the SQL fails; that migration is rolled back as a whole, earlier ones stay.
    """
    due = plan_migrations(connection, migrations=migrations)
    if not due:
        return []
    started = time.perf_counter()
    listener(PhaseStarted(subject="database", phase="migrate", total=len(due), unit="migrations"))
    done = [migration for migration in due if _apply(connection, migration)]
    listener(
        PhaseFinished(
            subject="database",
            phase="migrate",
            duration_seconds=time.perf_counter() - started,
            figures={"applied": len(done)},
        )
    )
    return done


def applied_migrations(connection: "psycopg.Connection[Any]") -> dict[str, str]:
    """Return the migrations that a database has had, with their digests; "" for one that another tool applied."""
    with connection.transaction():
        applied = _read_applied(connection)
    return {version: applied.digests.get(version, "") for version in sorted(applied.versions)}


def _read_migration(path: Path) -> Migration:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise UsageError(
            f"`{path.name}` is no name of a migration",
            code="MIG001",
            fix="name it <YYYYMMDDHHMMSS>_what_it_does.sql, in lower case",
        )
    return Migration(version=match["version"], name=match["name"], path=path, sql=read_text(path))


def _expect_idle(connection: "psycopg.Connection[Any]") -> None:
    from psycopg.pq import TransactionStatus

    if connection.info.transaction_status is not TransactionStatus.IDLE:
        raise ValueError("migrations need a connection without an open transaction: commit it first")


def _read_applied(connection: "psycopg.Connection[Any]") -> _Applied:
    versions = "select version from supabase_migrations.schema_migrations"
    digests = "select version, sha256 from supabase_migrations.opsctl_digests"
    return _Applied(
        versions=frozenset(row[0] for row in _rows(connection, versions, table="schema_migrations")),
        # A version that the Supabase CLI applied has no digest: it is applied, and cannot be compared.
        digests=dict(_rows(connection, digests, table="opsctl_digests")),
    )


def _rows(connection: "psycopg.Connection[Any]", query: LiteralString, *, table: str) -> list[Any]:
    """Return the rows of a query on a book-keeping table; none while that table does not exist."""
    found = connection.execute("select to_regclass(%s)", (f"supabase_migrations.{table}",)).fetchone()
    return connection.execute(query).fetchall() if found and found[0] else []


def _refuse_changed(wanted: Sequence[Migration], applied: _Applied) -> None:
    for migration in wanted:
        recorded = applied.digests.get(migration.version)
        if recorded is not None and recorded != migration.sha256:
            raise RefusedError(
                f"migration `{migration.path.name}` was changed after it was applied",
                code="MIG002",
                why=f"applied with sha256 {recorded[:12]}…, the file now has {migration.sha256[:12]}…",
                fix="put the file back as it was, and write the change as a new migration",
                location=Location(file=str(migration.path)),
            )


def _refuse_newer_database(wanted: Sequence[Migration], applied: _Applied) -> None:
    """Compare only versions with our digest: the others are a Supabase project's own and none of our business."""
    unknown = sorted(applied.digests.keys() - {migration.version for migration in wanted})
    if unknown:
        raise RefusedError(
            f"the database has migration `{unknown[-1]}`, which this opsctl does not know",
            code="MIG003",
            why="a newer opsctl has worked on it",
            fix="upgrade opsctl, or use another database",
        )


def _apply(connection: "psycopg.Connection[Any]", migration: Migration) -> bool:
    """Apply one migration unless somebody else has done so while we waited for the lock."""
    import psycopg

    try:
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
            connection.execute(_BOOKKEEPING)
            if migration.version in _read_applied(connection).versions:
                return False
            connection.execute(migration.sql.encode())
            _record(connection, migration)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise _failure(error, migration=migration) from error
    return True


def _record(connection: "psycopg.Connection[Any]", migration: Migration) -> None:
    connection.execute(
        "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
        (migration.version, migration.name, [migration.sql]),
    )
    connection.execute(
        "insert into supabase_migrations.opsctl_digests (version, sha256) values (%s, %s)",
        (migration.version, migration.sha256),
    )


def _failure(error: "psycopg.Error", *, migration: Migration) -> OpsError:
    position = error.diag.statement_position
    line = migration.sql[: int(position)].count("\n") + 1 if position else None
    return FailedError(
        f"migration `{migration.path.name}` failed and was rolled back",
        code="MIG004",
        why=str(error).strip(),
        fix="mend the SQL or the data, then run the command again",
        location=Location(file=str(migration.path), line=line),
    )
