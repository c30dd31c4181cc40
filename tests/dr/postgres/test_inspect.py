"""Damage in a restored server is found: in its pages while it is stopped, in its structure while it runs."""

import shutil
from pathlib import Path

import pytest
from tests.dr.postgres.own_server import OwnServer

from opsctl.clients.postgres import connect
from opsctl.core.errors import FailedError
from opsctl.dr.postgres.inspect import check_pages, check_structure


@pytest.fixture
def stopped(server: OwnServer, open_folder: Path, tmp_path: Path) -> Path:
    """Give a copy of the server's data, as it is when it is stopped."""
    server.stop()
    copy = open_folder / f"stopped-{tmp_path.name}"
    shutil.copytree(server.data, copy)
    server.start()
    if server.programs.account is not None:
        for path in (copy, *copy.rglob("*")):
            shutil.chown(path, server.programs.account.uid, server.programs.account.gid)
    return copy


def test_a_flipped_bit_in_a_page_is_found(server: OwnServer, stopped: Path) -> None:
    """And a server without one passes, with the number of its blocks."""
    report = check_pages(stopped, programs=server.programs)
    victim = max((stopped / "base" / "1").glob("[0-9]*"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[5000] ^= 1
    victim.write_bytes(data)

    with pytest.raises(FailedError) as raised:
        check_pages(stopped, programs=server.programs)

    assert (report.has_checksums, report.blocks > 1000) == (True, True)
    assert raised.value.code == "DRC034"
    assert "checksum verification failed" in str(raised.value.why)


@pytest.mark.slow
def test_an_index_that_lacks_rows_is_found(server: OwnServer) -> None:
    """A function that an index is made of was changed, so its entries no longer fit; the extension leaves no trace."""
    check_structure(server.address(), programs=server.programs)
    server.execute("create database broken")
    try:
        with connect(server.address("broken"), autocommit=True) as connection:
            connection.execute(
                "create function f(i int) returns int language sql immutable as 'select i';"
                "create table t as select generate_series(1, 100) as i;"
                "create index on t (f(i));"
                "create or replace function f(i int) returns int language sql immutable as 'select -i'"
            )
        with pytest.raises(FailedError) as raised:
            check_structure(server.address(), programs=server.programs)
        with connect(server.address("broken")) as connection:
            left = connection.execute("select extname from pg_extension where extname = 'amcheck'").fetchall()
    finally:
        server.execute("drop database broken")

    assert raised.value.code == "DRC034"
    assert "lacks matching index tuple" in str(raised.value.why)
    assert left == []
