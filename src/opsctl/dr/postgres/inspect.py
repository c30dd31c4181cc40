"""Is a restored server sound: its pages by their checksums, its tables and indexes by their structure?"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.clients.postgres_programs import PostgresPrograms
from opsctl.clients.postgres_running import ProgramOutcome, run
from opsctl.core.errors import FailedError

_NOT_ENABLED = "data checksums are not enabled"
_COMPLETE = "Checksum operation completed"
_FIX = "restore from an older backup: opsctl dr list"


@dataclass(frozen=True, slots=True, kw_only=True)
class PagesReport:
    """How many blocks were read; `has_checksums` is False where the server was made without, so nothing is known."""

    blocks: int
    has_checksums: bool


def check_pages(data: Path, *, programs: PostgresPrograms) -> PagesReport:
    """Compare every page of a stopped server with its checksum.

    Raises:
        FailedError: DRC034 a page is damaged, or the check did not come to its end.
    """
    outcome = run(programs, "pg_checksums", "--check", f"--pgdata={data}")
    if outcome.exit_code != 0 and _NOT_ENABLED in outcome.words:
        return PagesReport(blocks=0, has_checksums=False)
    told = dict(line.split(":", 1) for line in outcome.output if ":" in line)
    is_complete = any(_COMPLETE in line for line in outcome.output)
    if outcome.exit_code != 0 or not is_complete or told.get("Bad checksums", "?").strip() != "0":
        raise _damaged("pages of the database are damaged", outcome)
    return PagesReport(blocks=int(told["Blocks scanned"]), has_checksums=True)


def check_structure(address: DatabaseAddress, *, programs: PostgresPrograms, jobs: int = 2) -> None:
    """Have PostgreSQL look through every table and B-tree index of every database, for rows that an index has not.

    The extension `amcheck` does it; where it was not there, it is gone again afterwards.

    Raises:
        FailedError: DRC034.
        NotReadyError: DBS001-DBS003, PGP001-PGP004.
    """
    with _amcheck_everywhere(address):
        options = ("--all", "--heapallindexed", f"--jobs={jobs}")
        outcome = run(programs, "pg_amcheck", *options, address=address, connect_by="--maintenance-db")
    if outcome.exit_code != 0 or outcome.output:
        raise _damaged("tables or indexes of the database are damaged", outcome)


@contextmanager
def _amcheck_everywhere(address: DatabaseAddress) -> Iterator[None]:
    made: list[DatabaseAddress] = []
    with translated_errors(address):
        try:
            # One by one, so that those made before a failure are known.
            made.extend(database for database in _databases(address) if _make_amcheck(database))
            yield
        finally:
            for database in made:
                with connect(database, autocommit=True) as connection:
                    connection.execute("drop extension amcheck")


def _databases(address: DatabaseAddress) -> list[DatabaseAddress]:
    with connect(address, autocommit=True) as connection:
        rows = connection.execute("select datname from pg_database where datallowconn order by 1").fetchall()
    parts = urlsplit(address.url)
    return [
        DatabaseAddress(url=urlunsplit(parts._replace(path=f"/{quote(name)}")), password=address.password)
        for (name,) in rows
    ]


def _make_amcheck(address: DatabaseAddress) -> bool:
    with connect(address, autocommit=True) as connection:
        if connection.execute("select 1 from pg_extension where extname = 'amcheck'").fetchone():
            return False
        connection.execute("create extension amcheck")
        return True


def _damaged(what: str, outcome: ProgramOutcome) -> FailedError:
    why = outcome.words if outcome.errors else "; ".join(outcome.output[:5])
    return FailedError(what, code="DRC034", why=why, fix=_FIX)
