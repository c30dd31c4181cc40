"""Connections have time limits, and no error ever shows a password."""

import traceback
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect, translated_errors
from opsctl.core.errors import NotReadyError, OpsError, UsageError

if TYPE_CHECKING:
    from tests.conftest import EmbeddedPostgres

pytestmark = pytest.mark.stack

_SECRET = "s3cret-that-nobody-may-see"


def _everything_said(error: OpsError) -> str:
    return "".join(traceback.format_exception(error)) + f"{error.why} {error.fix}"


def test_a_wrong_password_is_refused_and_not_shown(embedded_postgres: "EmbeddedPostgres") -> None:
    """SCRAM really asks: a wrong password is DBS002."""
    address = DatabaseAddress(url=embedded_postgres.url, password=_SECRET)

    with pytest.raises(NotReadyError) as caught:
        connect(address)

    assert caught.value.code == "DBS002"
    assert _SECRET not in _everything_said(caught.value)


def test_no_password_at_all_is_refused(embedded_postgres: "EmbeddedPostgres") -> None:
    """There is no way in over loopback without the password."""
    with pytest.raises(NotReadyError) as caught:
        connect(DatabaseAddress(url=embedded_postgres.url))

    assert caught.value.code == "DBS002"


def test_a_password_inside_the_url_works_and_is_not_shown(embedded_postgres: "EmbeddedPostgres") -> None:
    """Neither the text form of the address nor an error of its connection has the password."""
    url = embedded_postgres.url.replace("opsctl@", f"opsctl:{_SECRET}@")
    address = DatabaseAddress(url=url)

    with pytest.raises(NotReadyError) as caught:
        connect(address)

    assert address.shown == embedded_postgres.url
    assert _SECRET not in _everything_said(caught.value)


def test_a_malformed_address_is_a_usage_error_without_the_password() -> None:
    """The library's own text, which repeats the address, is not passed on."""
    address = DatabaseAddress(url=f"postgresql://opsctl:{_SECRET}@localhost/db?nonsense={_SECRET}")

    with pytest.raises(UsageError) as caught:
        connect(address)

    assert caught.value.code == "DBS004"
    assert _SECRET not in _everything_said(caught.value)


def test_a_database_that_does_not_exist_is_named(embedded_postgres: "EmbeddedPostgres") -> None:
    """The server answers, the database is missing: DBS003."""
    with pytest.raises(NotReadyError) as caught:
        connect(embedded_postgres.address("nowhere"))

    assert (caught.value.code, "/nowhere" in caught.value.message) == ("DBS003", True)


def test_nobody_listening_is_not_ready() -> None:
    """A closed port is DBS001 with the next command."""
    with pytest.raises(NotReadyError) as caught:
        connect(DatabaseAddress(url="postgresql://opsctl@127.0.0.1:1/opsctl"))

    assert caught.value.code == "DBS001"
    assert "opsctl stack up" in str(caught.value.fix)


def test_the_password_comes_from_a_file(embedded_postgres: "EmbeddedPostgres", tmp_path: Path) -> None:
    """The end of line after the password in the file does not count."""
    path = tmp_path / "password"
    path.write_text(embedded_postgres.password + "\n")

    address = DatabaseAddress.with_password_file(embedded_postgres.url, password_file=path)

    with connect(address) as connection:
        assert connection.execute("select current_user").fetchone() == ("opsctl",)
    assert embedded_postgres.password not in repr(address)


def test_a_statement_beyond_its_time_is_given_up(embedded_postgres: "EmbeddedPostgres") -> None:
    """The server ends it, and the error is DBS005."""
    address = DatabaseAddress(
        url=embedded_postgres.url, password=embedded_postgres.password, statement_timeout_seconds=0.05
    )

    with pytest.raises(NotReadyError) as caught, connect(address) as connection, translated_errors(address):
        connection.execute("select pg_sleep(30)")

    assert caught.value.code == "DBS005"


def test_a_connection_cut_by_the_server_is_not_ready(database: DatabaseAddress) -> None:
    """A session that an administrator ends is DBS001, not a traceback of the library."""
    with connect(database) as victim:
        with connect(database) as killer:
            killer.execute("select pg_terminate_backend(%s)", (victim.info.backend_pid,))
        with pytest.raises(NotReadyError) as caught, translated_errors(database):
            victim.execute("select 1")

    assert caught.value.code == "DBS001"


def test_an_address_is_shown_without_its_query() -> None:
    """Parameters may hold secrets too."""
    address = DatabaseAddress(url=f"postgresql://u:{_SECRET}@db.example:6543/postgres?password={_SECRET}")

    assert address.shown == "postgresql://u@db.example:6543/postgres"
    assert urlsplit(address.shown).port == 6543


def test_a_database_that_takes_no_writes_says_so(database: DatabaseAddress) -> None:
    """As while it fails over, or when a hosted one is nearly full: no bug, and nothing was written."""
    with connect(database) as connection:
        connection.execute("set transaction read only")
        with pytest.raises(NotReadyError) as caught, translated_errors(database):
            connection.execute("delete from content")
        connection.rollback()

    assert caught.value.code == "DBS009"
