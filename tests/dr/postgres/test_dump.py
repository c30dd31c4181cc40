"""A dump holds what its snapshot held, comes back row by row, and is restored into an empty database only."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from tests.dr.postgres.history import vault_of
from tests.dr.postgres.own_server import OwnServer

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.errors import FailedError, NotReadyError, OpsError, RefusedError
from opsctl.core.events import Event, PhaseAdvanced, ignore
from opsctl.dr.manifest import Dump
from opsctl.dr.postgres.dump import DumpPlan, take_dump
from opsctl.dr.postgres.dump_restore import DumpRestorePlan, Ownership, restore_dump
from opsctl.dr.postgres.rows import count_rows

TABLES = """
    create role writer;
    create schema shop;
    create table shop."Odd name" (id int primary key, price numeric);
    insert into shop."Odd name" select i, i * 1.5 from generate_series(1, 1000) as i;
    create table events (id int, at date) partition by range (at);
    create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
    insert into events select i, '2026-11-29' from generate_series(1, 77) as i;
    create table secret (id int);
    insert into secret values (1), (2);
    alter table secret enable row level security;
    create policy few on secret to writer using (id = 1);
    create table nothing_in_it (id int);
    alter table secret owner to writer;
    create materialized view seen as select count(*) from events;
"""
ROWS = {"shop.Odd name": 1000, "public.events_2026": 77, "public.secret": 2, "public.nothing_in_it": 0}


@pytest.fixture
def shop(server: OwnServer) -> Iterator[DatabaseAddress]:
    """Give a database with a bit of everything."""
    name = f"shop_{uuid4().hex[:8]}"
    server.execute(f"create database {name}")
    with connect(server.address(name), autocommit=True) as connection:
        connection.execute(TABLES.encode())
    yield server.address(name)
    server.execute(f"drop database {name} with (force)")
    server.execute("drop role if exists writer")


@pytest.fixture
def empty(server: OwnServer) -> Iterator[DatabaseAddress]:
    """Give a database with nothing in it."""
    name = f"empty_{uuid4().hex[:8]}"
    server.execute(f"create database {name}")
    yield server.address(name)
    server.execute(f"drop database {name} with (force)")


def dump_of(server: OwnServer, address: DatabaseAddress, folder: Path, *, listener=ignore, **plan) -> Dump:
    """Dump a database into `folder/repository`."""
    return take_dump(
        address,
        plan=DumpPlan(spool=server.folder / "spool", **plan),
        programs=server.programs,
        vault=vault_of(folder / "repository"),
        prefix="backups/d/1/postgres",
        listener=listener,
    )


def restore(server: OwnServer, dump: Dump, address: DatabaseAddress, folder: Path, **plan) -> dict[str, int]:
    """Restore a dump."""
    return restore_dump(
        dump,
        address=address,
        plan=DumpRestorePlan(spool=server.folder / "spool", **plan),
        programs=server.programs,
        vault=vault_of(folder / "repository"),
        listener=ignore,
    )


@pytest.fixture(autouse=True)
def open_to_the_account(server: OwnServer) -> None:
    """Let the programs reach the spool."""
    server.folder.chmod(0o755)


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_dump_comes_back_with_every_row(
    server: OwnServer, shop: DatabaseAddress, empty: DatabaseAddress, tmp_path: Path, jobs: int
) -> None:
    """Partitions, names with blanks, rows that policies hide, owners; the spool is empty afterwards."""
    heard: list[Event] = []

    dump = dump_of(server, shop, tmp_path, listener=heard.append)
    found = restore(server, dump, empty, tmp_path, jobs=jobs)

    assert dict(dump.tables) == found == ROWS
    assert (dump.database, dump.server_version) == (shop.url.rpartition("/")[2], "18.6")
    assert dump.globals is not None
    roles = b"".join(vault_of(tmp_path / "repository").get(dump.globals))
    assert b"CREATE ROLE writer" in roles
    assert b"SCRAM-SHA-256$" in roles
    assert any(isinstance(each, PhaseAdvanced) and each.phase == "dump" for each in heard)
    assert list((server.folder / "spool").iterdir()) == []
    with connect(empty) as connection:
        owner = connection.execute("select tableowner from pg_tables where tablename = 'secret'").fetchone()
        seen = connection.execute("select * from seen").fetchone()
    assert (owner, seen) == (("writer",), (77,))


@pytest.mark.slow
def test_rows_are_those_of_the_snapshot(
    server: OwnServer, shop: DatabaseAddress, empty: DatabaseAddress, tmp_path: Path
) -> None:
    """What is committed while it is counted is neither counted nor dumped."""
    wrote: list[int] = []

    def write_meanwhile(_event: Event) -> None:
        if not wrote:
            wrote.append(1)
            with connect(shop) as connection:
                connection.execute("insert into nothing_in_it select generate_series(1, 5)")

    dump = dump_of(server, shop, tmp_path, listener=write_meanwhile)

    assert restore(server, dump, empty, tmp_path) == ROWS
    with connect(shop) as connection:
        assert count_rows(connection, listener=ignore)["public.nothing_in_it"] == 5


@pytest.mark.slow
def test_a_database_with_something_in_it_is_left_alone(
    server: OwnServer, shop: DatabaseAddress, empty: DatabaseAddress, tmp_path: Path
) -> None:
    """A table is enough."""
    dump = dump_of(server, shop, tmp_path)
    with connect(empty) as connection:
        connection.execute("create table precious (id int)")

    with pytest.raises(RefusedError) as raised:
        restore(server, dump, empty, tmp_path)

    assert raised.value.code == "DRC032"
    with connect(empty) as connection:
        assert count_rows(connection, listener=ignore) == {"public.precious": 0}


@pytest.mark.slow
def test_a_restore_that_fails_leaves_the_database_empty(
    server: OwnServer, shop: DatabaseAddress, empty: DatabaseAddress, tmp_path: Path
) -> None:
    """The role is not there that owns a table; without owners and policies it goes."""
    dump = dump_of(server, shop, tmp_path)
    with connect(shop) as connection:
        connection.execute("drop owned by writer cascade")
    server.execute("drop role writer")

    with pytest.raises(FailedError) as raised:
        restore(server, dump, empty, tmp_path)

    assert raised.value.code == "DRC030"
    assert 'role "writer" does not exist' in str(raised.value.why)
    with connect(empty) as connection:
        assert count_rows(connection, listener=ignore) == {}
    assert restore(server, dump, empty, tmp_path, ownership=Ownership.OURS) == ROWS


@pytest.mark.slow
def test_rows_that_are_missing_are_noticed(
    server: OwnServer, shop: DatabaseAddress, empty: DatabaseAddress, tmp_path: Path
) -> None:
    """The dump says that there were more."""
    dump = dump_of(server, shop, tmp_path)
    lying = replace(dump, tables={**dump.tables, "public.secret": 3, "public.gone": 1})

    with pytest.raises(FailedError) as raised:
        restore(server, lying, empty, tmp_path)

    assert raised.value.code == "DRC033"
    assert "`public.secret` has 2 rows instead of 3" in str(raised.value.why)
    assert "`public.gone` has no rows instead of 1" in str(raised.value.why)


@pytest.mark.slow
def test_a_damaged_dump_is_not_restored(
    server: OwnServer, shop: DatabaseAddress, empty: DatabaseAddress, tmp_path: Path
) -> None:
    """Not even the part before the damage."""
    dump = dump_of(server, shop, tmp_path)
    path = tmp_path / "repository" / dump.tar.key
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)

    with pytest.raises(OpsError) as raised:
        restore(server, dump, empty, tmp_path)

    assert raised.value.code == "DRC001"
    with connect(empty) as connection:
        assert count_rows(connection, listener=ignore) == {}


@pytest.mark.slow
def test_one_schema_can_be_dumped_alone(
    server: OwnServer, shop: DatabaseAddress, empty: DatabaseAddress, tmp_path: Path
) -> None:
    """Others are neither counted nor missed."""
    dump = dump_of(server, shop, tmp_path, schemas=("shop",))

    assert restore(server, dump, empty, tmp_path) == {"shop.Odd name": 1000}


def test_roles_that_may_not_be_read_are_no_reason_to_dump_nothing(
    server: OwnServer, shop: DatabaseAddress, tmp_path: Path
) -> None:
    """Their passwords are left out, as on hosted Supabase."""
    with connect(shop) as connection:
        connection.execute(
            "create role half login bypassrls password 'secret'; grant usage on schema shop to half;"
            "grant select on all tables in schema public, shop to half"
        )
    address = replace(shop, url=shop.url.replace("opsctl@", "half@"))
    try:
        dump = dump_of(server, address, tmp_path)
    finally:
        drop_half(server, shop)

    assert dump.globals is not None
    roles = b"".join(vault_of(tmp_path / "repository").get(dump.globals))
    assert b"CREATE ROLE writer" in roles
    assert b"SCRAM-SHA-256$" not in roles
    assert dict(dump.tables) == ROWS


def test_a_row_that_a_policy_hides_is_an_error(
    server: OwnServer, shop: DatabaseAddress, tmp_path: Path
) -> None:
    """And not a smaller number."""
    server.execute("create role half login password 'secret' in role pg_read_all_data")
    address = replace(shop, url=shop.url.replace("opsctl@", "half@"))
    try:
        with pytest.raises(RefusedError) as raised:
            dump_of(server, address, tmp_path)
    finally:
        drop_half(server, shop)

    assert raised.value.code == "DRC021"
    assert "row-level security" in str(raised.value.why)


def drop_half(server: OwnServer, shop: DatabaseAddress) -> None:
    """Remove the role that may not do everything."""
    with connect(shop) as connection:
        connection.execute("drop owned by half")
    server.execute("drop role half")


def test_a_lost_connection_leaves_nothing(server: OwnServer, shop: DatabaseAddress, tmp_path: Path) -> None:
    """Somebody ends all sessions in the middle of it."""

    def end_sessions(event: Event) -> None:
        if isinstance(event, PhaseAdvanced) and event.phase == "count rows":
            server.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname like 'shop%'"
            )

    with pytest.raises(NotReadyError):
        dump_of(server, shop, tmp_path, listener=end_sessions)

    assert not (tmp_path / "repository").exists() or not list((tmp_path / "repository").rglob("*.zst"))
    assert list((server.folder / "spool").iterdir()) == []
