"""The archiver as a process: killed, cut off from its server or its repository, it loses nothing and says how it is."""

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.dr.postgres.history import vault_of
from tests.dr.postgres.own_server import OwnServer, own_server
from tests.dr.postgres.running_archiver import RunningArchiver

from opsctl.dr.kept import new_backup_id
from opsctl.dr.manifest import BackupKind
from opsctl.dr.postgres.archive import WalArchive, read_archive
from opsctl.dr.postgres.archive_reading import read_segment
from opsctl.dr.postgres.wal import Lineage, cover, parse_lsn

SIZE = 16 * 1024 * 1024


@pytest.fixture
def archiver(server: OwnServer, tmp_path: Path) -> Iterator[RunningArchiver]:
    """Give an archiver of the server, not started yet; its slot is gone afterwards."""
    running = RunningArchiver(
        server=server, repository=tmp_path / "repository", spool=tmp_path / "spool" / "of archiver"
    )
    try:
        yield running
    finally:
        running.end()
        drop_slot(server)


def drop_slot(server: OwnServer) -> None:
    """Remove the archiver's slot as soon as nobody uses it."""
    query = "select count(*) from pg_replication_slots where slot_name = 'opsctl_archive' and active"
    deadline = time.monotonic() + 10
    while server.value(query) and time.monotonic() < deadline:
        time.sleep(0.05)
    server.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots where not temporary")


def archive_of(archiver: RunningArchiver) -> WalArchive:
    """Return what is in the repository."""
    system = archiver.server.value("select system_identifier::text from pg_control_system()")
    return read_archive(vault_of(archiver.repository), system_identifier=system, segment_bytes=SIZE)


def assert_complete(archiver: RunningArchiver, *, until: int) -> None:
    """Compare the archive with what the server itself still has of its log, up to a position."""
    archive = archive_of(archiver)
    first = min(archive.pieces)
    coverage = cover(archive.held, start=first.start(SIZE), lineage=Lineage(timeline=1), segment_bytes=SIZE)
    assert coverage.missing == ()
    assert coverage.end + 8192 > until
    for segment in coverage.segments:
        own = archiver.server.data / "pg_wal" / segment.name(SIZE)
        if own.exists():
            written = min(SIZE, until - segment.start(SIZE))
            archived = read_segment(vault_of(archiver.repository), archive, segment)
            assert archived[:written] == own.read_bytes()[:written], segment


def position(server: OwnServer) -> int:
    """Return the end of the server's log."""
    return parse_lsn(server.value("select pg_current_wal_flush_lsn()::text"))


def switch(server: OwnServer) -> None:
    """Have the server begin a new segment."""
    server.value("select pg_switch_wal()::text")


@pytest.mark.drill
def test_killed_at_any_moment_it_loses_nothing(archiver: RunningArchiver) -> None:
    """Five times, while segments fill; in the end the archive is what the server wrote, and nobody receives any more."""
    server, moments = archiver.server, random.Random(20)
    for number in range(5):
        archiver.start()
        first = 1000 + number * 100
        server.insert(first, first + 20)
        switch(server)
        server.insert(first + 21, first + 40)
        time.sleep(moments.uniform(0.3, 1.2))
        archiver.kill()
    archiver.start()
    server.insert(1900, 1910)
    until = position(server)
    status = archiver.wait_until_shipped()

    assert (status.lost, status.trouble) == (None, None)
    assert archiver.stop() == 0
    assert_complete(archiver, until=until)
    assert not server.value("select active from pg_replication_slots where slot_name = 'opsctl_archive'")


@pytest.mark.slow
def test_the_receiver_ends_with_an_archiver_that_is_killed(archiver: RunningArchiver) -> None:
    """Otherwise it would fill the disk for nobody."""
    archiver.start()
    archiver.wait_until_shipped()
    query = "select active from pg_replication_slots where slot_name = 'opsctl_archive'"
    was_active = archiver.server.value(query)

    archiver.kill()

    deadline = time.monotonic() + 10
    while archiver.server.value(query) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert was_active
    assert not archiver.server.value(query)


@pytest.mark.slow
def test_a_repository_that_is_away_is_waited_for(archiver: RunningArchiver) -> None:
    """The note says so, with how much waits; once it is back, everything is shipped."""
    archiver.start()
    archiver.wait_until_shipped()
    aside = archiver.repository.with_name("aside")
    archiver.repository.rename(aside)
    archiver.repository.touch()
    archiver.server.insert(2000, 2040)

    waiting = archiver.wait_for(lambda status: status.waiting_bytes > 0 and status.trouble is not None)
    archiver.repository.unlink()
    aside.rename(archiver.repository)
    until = position(archiver.server)
    status = archiver.wait_until_shipped()

    assert waiting.is_receiving
    assert "cannot" in str(waiting.trouble)
    assert status.shipped_at > waiting.shipped_at
    assert status.trouble is None
    assert archiver.stop() == 0
    assert_complete(archiver, until=until)


@pytest.mark.drill
def test_a_server_that_is_restarted_is_followed_on(archiver: RunningArchiver) -> None:
    """While it is away nothing is promised."""
    server = archiver.server
    archiver.start()
    before = archiver.wait_until_shipped()
    server.insert(2100, 2110)
    server.stop()
    away = archiver.wait_for(lambda status: status.trouble is not None)
    time.sleep(1.2)
    still_away = archiver.status()
    server.start()
    server.insert(2111, 2120)
    until = position(server)
    status = archiver.wait_until_shipped()

    assert "DBS001" in str(away.trouble)
    assert still_away is not None
    assert still_away.shipped_at <= away.noted_at
    assert status.shipped_at > still_away.shipped_at >= before.shipped_at
    assert (status.trouble, status.lost) == (None, None)
    assert_complete(archiver, until=until)


@pytest.mark.slow
def test_what_was_received_is_shipped_before_it_ends(archiver: RunningArchiver) -> None:
    """Rows that were committed a moment before the end are in the repository, and little stays in the spool."""
    server = archiver.server
    archiver.start()
    archiver.wait_until_shipped()
    switch(server)
    server.insert(2200, 2210)
    until = position(server)
    confirmed = "select restart_lsn::text from pg_replication_slots where slot_name = 'opsctl_archive'"
    while parse_lsn(server.value(confirmed)) < until:
        time.sleep(0.01)

    assert archiver.stop() == 0

    status = archiver.status()
    assert status is not None
    assert (status.waiting_bytes, status.is_receiving) == (0, False)
    assert_complete(archiver, until=until)
    assert len(list(archiver.spool.glob("*/0*"))) <= 2


@pytest.mark.slow
def test_an_end_with_something_left_is_told(archiver: RunningArchiver) -> None:
    """The repository is away: the exit code says that not everything is in it, and the spool keeps it."""
    archiver.start()
    archiver.wait_until_shipped()
    archiver.repository.rename(archiver.repository.with_name("aside"))
    archiver.repository.touch()
    archiver.server.insert(2300, 2310)
    archiver.wait_for(lambda status: status.waiting_bytes > 0 and status.trouble is not None)

    assert archiver.stop() == 1

    status = archiver.status()
    assert status is not None
    assert status.waiting_bytes > 0


@pytest.mark.drill
def test_what_the_server_has_removed_is_told_and_the_rest_is_archived(archiver: RunningArchiver) -> None:
    """Its slot was dropped while it was away; until a base backup has begun after that, nothing counts as shipped."""
    server = archiver.server
    archiver.start()
    archiver.wait_until_shipped()
    assert archiver.stop() == 0
    drop_slot(server)
    server.execute("alter system set wal_keep_size = 0")
    server.execute("select pg_reload_conf()")
    for number in range(3):
        server.insert(2400 + number, 2400 + number)
        switch(server)
        server.execute("checkpoint")

    archiver.start()
    status = archiver.wait_for(lambda status: status.lost is not None)
    until = position(server)
    archiver.kill()
    archiver.start()
    noted = archiver.status()
    assert noted is not None
    behind = archiver.wait_for(lambda status: status.noted_at > noted.noted_at and status.is_receiving)
    later = datetime.now(UTC) + timedelta(seconds=1)
    backup_id = new_backup_id(BackupKind.FULL, now=later, token="0a1b2c")
    vault_of(archiver.repository).put_named(f"backups/{backup_id}", "manifest", b"whole")
    again = archiver.wait_until_shipped()

    server.execute("alter system reset wal_keep_size")
    server.execute("select pg_reload_conf()")
    archive = archive_of(archiver)
    coverage = cover(
        archive.held, start=min(archive.pieces).start(SIZE), lineage=Lineage(timeline=1), segment_bytes=SIZE
    )
    assert "removed" in str(status.lost)
    assert (behind.lost, behind.lost_at) == (status.lost, status.lost_at)
    assert behind.shipped_at == status.shipped_at
    assert (again.is_receiving, again.lost) == (True, None)
    assert coverage.missing != ()
    assert max(archive.pieces).number == until // SIZE


@pytest.mark.drill
def test_another_server_in_its_place_gets_a_prefix_of_its_own(
    archiver: RunningArchiver, open_folder: Path
) -> None:
    """What the first one has left in the spool is shipped to where it belongs."""
    first = archiver.server
    archiver.start()
    archiver.wait_until_shipped()
    first.insert(2600, 2610)
    until = position(first)
    first.stop()
    try:
        with own_server(open_folder / f"other-{os.getpid()}", port=first.port) as other:
            other.insert(1, 10)
            archiver.server = other
            system = other.value("select system_identifier::text from pg_control_system()")
            archiver.wait_for(lambda status: status.system_identifier == system)
            status = archiver.wait_until_shipped()
            archive = archive_of(archiver)
            assert archiver.stop() == 0
    finally:
        first.start()
    archiver.server = first

    assert (status.trouble, status.lost) == (None, None)
    assert min(archive.pieces).number == 1
    assert_complete(archiver, until=until)


def test_two_archivers_do_not_share_a_spool(archiver: RunningArchiver) -> None:
    """The second one is refused, and says who works there."""
    archiver.start()
    archiver.wait_until_shipped()
    second = RunningArchiver(
        server=archiver.server, repository=archiver.repository, spool=archiver.spool
    ).start()
    assert second.process is not None

    assert second.process.wait(timeout=30) == 4
    assert second.process.stderr is not None
    assert b"FIL002" in second.process.stderr.read()
    second.process.stderr.close()


@pytest.mark.drill
def test_with_a_full_spool_nothing_more_is_received(archiver: RunningArchiver) -> None:
    """The server keeps its log then; this machine's disk is spared."""
    archiver.arguments = ("--most-waiting-bytes", "1000")
    archiver.start()
    archiver.wait_until_shipped()
    aside = archiver.repository.with_name("aside")
    archiver.repository.rename(aside)
    archiver.repository.touch()
    archiver.server.insert(2500, 2510)
    full = archiver.wait_for(lambda status: "spool is full" in str(status.trouble))
    archiver.repository.unlink()
    aside.rename(archiver.repository)

    status = archiver.wait_until_shipped()

    assert not full.is_receiving
    assert status.trouble is None


def test_a_note_that_cannot_be_written_does_not_end_it(archiver: RunningArchiver) -> None:
    """As on a full disk: it goes on to archive, and notes how it is as soon as it can."""
    note = archiver.spool / "status.json"
    note.mkdir(parents=True)
    archiver.start()
    assert archiver.process is not None
    wal = archiver.repository / "wal"
    deadline = time.monotonic() + 30
    while not list(wal.glob("*/*/*")) and archiver.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)

    note.rmdir()
    status = archiver.wait_until_shipped()

    assert status.trouble is None
    note.unlink()
    note.mkdir()
    assert archiver.stop() == 0
