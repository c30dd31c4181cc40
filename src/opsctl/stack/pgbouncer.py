"""How Debian's PgBouncer stands before the embedded PostgreSQL: few server connections for many clients."""

import os
import shutil
from pathlib import Path

from opsctl.clients.files import read_text, write_atomically
from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import NotReadyError, OpsError
from opsctl.stack import postgres
from opsctl.stack.model import Part, PartName, PartSpec, Place, password_file
from opsctl.stack.placement import choose_account, choose_data_dir, give_to
from opsctl.stack.ports import HOST, choose_port
from opsctl.stack.postgres_cluster import SUPERUSER
from opsctl.stack.record import read_stack_record

POOLED_CONNECTIONS = 10
# The pooler's own connections carry the limit, so that a use of one statement need not begin a transaction for it.
_STATEMENT_MILLISECONDS = 10_000
_CONSOLE = "pgbouncer"
# Debian keeps it where the PATH of a plain user does not look.
_OUTSIDE_PATH = Path("/usr/sbin/pgbouncer")


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide user, folder and port; PgBouncer refuses root as PostgreSQL does."""
    account = choose_account(home)
    return Place(
        port=choose_port(owner=f"{home}:pooler", recorded=recorded.port if recorded else None),
        data_dir=choose_data_dir(home, account=account, name="pgbouncer"),
        account=account,
    )


def specify(home: Path, place: Place) -> PartSpec:
    """Return how this PgBouncer is run."""
    return PartSpec(
        name=PartName.POOLER,
        place=place,
        argv=(str(_program() or _OUTSIDE_PATH), str(_settings_file(place))),
        url=postgres.database_url(place.port),
        prepare=lambda: _write_settings(home, place=place),
        not_ready_because=lambda: _not_ready_because(home, port=place.port),
        finish=lambda: _follow_database(home, place=place),
        passing_troubles=("Address already in use",),
    )


def missing_because() -> str | None:
    """Return the reason why PgBouncer cannot be run here; None where it can."""
    return None if _program() else f"there is no `pgbouncer` on the PATH, nor `{_OUTSIDE_PATH}`"


def _program() -> Path | None:
    found = shutil.which("pgbouncer")
    if found is not None:
        return Path(found)
    return _OUTSIDE_PATH if os.access(_OUTSIDE_PATH, os.X_OK) else None


def _settings_file(place: Place) -> Path:
    return place.data_dir / "pgbouncer.ini"


def _write_settings(home: Path, *, place: Place) -> None:
    """Write the settings of this start and the password by which both sides prove themselves.

    Raises:
        NotReadyError: STK001 when there never was a database to stand before.
    """
    if PartName.POSTGRES not in read_stack_record(home).places or not password_file(home).is_file():
        raise NotReadyError(
            "the pooler has no database to stand before", code="STK001", fix="run `opsctl stack up`"
        )
    place.data_dir.mkdir(parents=True, exist_ok=True)
    place.data_dir.chmod(0o700)
    give_to(place.data_dir, place.account)
    password = read_text(password_file(home)).strip()
    users = f'"{SUPERUSER}" "{password}"\n'  # url-safe characters only, so nothing is to be escaped
    for path, text in ((_users_file(place), users), (_settings_file(place), _settings(home, place=place))):
        write_atomically(path, text, mode=0o600)
        give_to(path, place.account)


def _users_file(place: Place) -> Path:
    return place.data_dir / "userlist.txt"


def _settings(home: Path, *, place: Place) -> str:
    """Return the settings; where each differs from PgBouncer's default it is for the sake of quick recovery."""
    port = read_stack_record(home).places[PartName.POSTGRES].port
    return f"""\
; Written by `opsctl stack up` at every start; changes made here are lost.
[databases]
* = host={HOST} port={port} connect_query='set statement_timeout = {_STATEMENT_MILLISECONDS}'

[pgbouncer]
listen_addr = {HOST}
listen_port = {place.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {_users_file(place)}
admin_users = {SUPERUSER}
pool_mode = transaction
default_pool_size = {POOLED_CONNECTIONS}
max_client_conn = 1000
server_idle_timeout = 30
server_login_retry = 1
server_connect_timeout = 5
query_wait_timeout = 30
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
"""


def _not_ready_because(home: Path, *, port: int) -> str | None:
    """Ask its console, so that a database that is down does not make the pooler look broken."""
    try:
        with connect(_console(home, port=port), autocommit=True) as console:
            console.execute("show version")
    except OpsError as error:
        return error.why or error.message
    return None


def sent_bytes(home: Path) -> float | None:
    """Return the bytes that servers sent through this pooler since it began; None where it does not answer."""
    place = read_stack_record(home).places.get(PartName.POOLER)
    if place is None:
        return None
    try:
        with connect(_console(home, port=place.port), autocommit=True) as console:
            answer = console.execute("show stats")
            names = [column.name for column in answer.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
    except OpsError:
        return None
    return float(sum(int(row["total_sent"]) for row in rows))


def _follow_database(home: Path, *, place: Place) -> None:
    """Let a pooler that ran already follow a database that was given another port meanwhile."""
    if read_text(_settings_file(place)) == _settings(home, place=place):
        return
    _write_settings(home, place=place)
    with connect(_console(home, port=place.port), autocommit=True) as console:
        console.execute("reload")


def _console(home: Path, *, port: int) -> DatabaseAddress:
    return DatabaseAddress.with_password_file(
        postgres.database_url(port, database=_CONSOLE), password_file=password_file(home)
    )


PART = Part(
    name=PartName.POOLER,
    plan_place=plan_place,
    specify=specify,
    url=postgres.database_url,
    required=False,
    missing_because=missing_because,
)
