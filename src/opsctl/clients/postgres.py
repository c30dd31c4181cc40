"""How opsctl talks to PostgreSQL: connections with time limits, and errors that never show a password."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from opsctl.clients.files import read_text
from opsctl.core.errors import NotReadyError, OpsError, UsageError

if TYPE_CHECKING:
    import psycopg

CONNECT_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAddress:
    """Where a database is and how to get in; the password is no part of the text form.

    Args:
        url: such as `postgresql://user@host:5432/name`.
        password: the secret itself, read from a file or the environment by the caller.
        statement_timeout_seconds: the server gives a statement up after this time.
        through_pooler: a transaction pooler (PgBouncer, Supavisor) stands in between, so nothing may be tied
            to a server session: no start-up options, no prepared statements.
    """

    url: str
    password: str | None = field(default=None, repr=False)
    statement_timeout_seconds: float | None = None
    through_pooler: bool = False

    @property
    def shown(self) -> str:
        """Return the address without any password, fit for messages."""
        parts = urlsplit(self.url)
        user, at, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query="", fragment=""))

    @classmethod
    def with_password_file(
        cls, url: str, *, password_file: Path, statement_timeout_seconds: float | None = None
    ) -> "DatabaseAddress":
        """Return an address whose password stands in a file."""
        return cls(
            url=url,
            password=read_text(password_file).strip(),
            statement_timeout_seconds=statement_timeout_seconds,
        )


def connect(
    address: DatabaseAddress, *, autocommit: bool = False, application_name: str = "opsctl"
) -> "psycopg.Connection[tuple[Any, ...]]":
    """Open a connection within five seconds; use it as a context manager, which commits or rolls back.

    Raises:
        NotReadyError: DBS001 nobody answers, DBS002 password refused, DBS003 no such database.
        UsageError: DBS004 the address itself is malformed.
    """
    import psycopg

    try:
        return psycopg.connect(
            address.url,
            autocommit=autocommit,
            **connection_arguments(address, application_name=application_name),
        )
    except psycopg.ProgrammingError:
        # The library's text repeats the address, and with it a password that somebody put there.
        raise malformed(address) from None
    except psycopg.OperationalError as error:
        raise refused(error, address=address) from error


@contextmanager
def translated_errors(address: DatabaseAddress) -> Iterator[None]:
    """Turn what PostgreSQL raises about the environment into `OpsError`; bugs in SQL pass through.

    Raises:
        NotReadyError: DBS001 connection lost, DBS005 statement timeout, DBS006 disk full, DBS008 deadlock,
            DBS009 it is read-only.
    """
    import psycopg

    try:
        yield
    except psycopg.errors.QueryCanceled as error:
        raise NotReadyError(
            f"`{address.shown}` gave a statement up after its time limit",
            code="DBS005",
            why=str(error).strip(),
            fix="set a longer `database.statement_timeout_seconds`, or look for locks in pg_stat_activity",
        ) from error
    except psycopg.errors.DiskFull as error:
        raise NotReadyError(
            f"the disk of `{address.shown}` is full",
            code="DBS006",
            why=str(error).strip(),
            fix="free some space on the database's machine, then run the command again",
        ) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise NotReadyError(
            f"`{address.shown}` takes no writes",
            code="DBS009",
            why=str(error).strip(),
            fix="wait for its failover or its restore to end; hosted Supabase does this when its disk is nearly full",
        ) from error
    except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure) as error:
        raise NotReadyError(
            f"`{address.shown}` gave a transaction up in favour of another one",
            code="DBS008",
            why=str(error).strip(),
            fix="run the command again",
        ) from error
    except psycopg.OperationalError as error:
        raise refused(error, address=address) from error


def connection_arguments(address: DatabaseAddress, *, application_name: str) -> dict[str, Any]:
    """Return how libpq is to connect, beside the address; sync and async connections share it."""
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": application_name,
        # A peer that vanished without a word is noticed within about half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }
    if address.password is not None:
        arguments["password"] = address.password
    if address.through_pooler:
        arguments["prepare_threshold"] = None
    elif address.statement_timeout_seconds is not None:
        milliseconds = round(address.statement_timeout_seconds * 1000)
        arguments["options"] = f"-c statement_timeout={milliseconds}"
    return arguments


def refused(error: "psycopg.OperationalError", *, address: DatabaseAddress) -> OpsError:
    """Return what a failed connection means, without any password in it."""
    reason = _without_password(str(error).strip(), address=address)
    if "authentication failed" in reason or "no password supplied" in reason:
        return NotReadyError(
            f"`{address.shown}` refused the password",
            code="DBS002",
            why=reason,
            fix="set `database.password_file` in opsctl.yaml or OPSCTL_DATABASE_PASSWORD",
        )
    if 'database "' in reason and "does not exist" in reason:
        return NotReadyError(
            f"`{address.shown}` does not exist",
            code="DBS003",
            why=reason,
            fix="create the database, or correct `database.url`",
        )
    return NotReadyError(
        f"no database answers at `{address.shown}`",
        code="DBS001",
        why=reason,
        fix="run `opsctl stack up`, or check `database.url`: opsctl config show",
    )


def malformed(address: DatabaseAddress) -> UsageError:
    """Return what an address that libpq cannot read means, without repeating it."""
    return UsageError(
        f"`{address.shown}` is not a database address",
        code="DBS004",
        fix="write it as postgresql://user@host:5432/database",
    )


def _without_password(text: str, *, address: DatabaseAddress) -> str:
    inside = urlsplit(address.url).password
    for secret in (address.password, inside):
        if secret:
            text = text.replace(secret, "***")
    return text
