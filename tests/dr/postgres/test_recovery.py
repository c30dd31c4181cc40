"""A server comes back to the point that was asked for, with every row committed by then and none after it."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.dr.postgres.history import (
    History,
    base_of,
    chain_in,
    restore,
    rows_in,
    take_backup,
    vault_of,
)
from tests.dr.postgres.own_server import adopted_server
from tests.dr.postgres.running_archiver import RunningArchiver
from tests.scratch_project import free_port

from opsctl.clients.postgres import DatabaseAddress
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, NotReadyError, RefusedError
from opsctl.core.events import Event, PhaseAdvanced, ignore
from opsctl.dr.postgres.inspect import check_pages
from opsctl.dr.postgres.rebuild import materialise
from opsctl.dr.postgres.recover import NewPassword, recover
from opsctl.dr.postgres.target import AtLsn, AtName, AtTime, Latest
from opsctl.dr.postgres.wal import parse_lsn
from opsctl.dr.postgres.wal_tail import read_tail


@pytest.fixture
def into(open_folder: Path, tmp_path: Path) -> Path:
    """Give the name of a folder for a restore."""
    return open_folder / f"restored-{tmp_path.name}"


@pytest.mark.drill
def test_the_end_of_the_archive_holds_every_row(history: History, into: Path) -> None:
    """From a full backup, an incremental one and the log: all rows, sound pages, a timeline of its own."""
    heard: list[Event] = []
    chain = chain_in(history.repository, history.both, Latest())

    rebuilt = materialise(
        chain,
        vault=vault_of(history.repository),
        programs=history.server.programs,
        into=into,
        listener=heard.append,
    )
    recovered = recover(
        rebuilt, programs=history.server.programs, user="opsctl", listener=heard.append, clock=SystemClock()
    )

    replayed = [each for each in heard if isinstance(each, PhaseAdvanced) and each.phase == "replay log"]
    assert [each.backup_id for each in chain.backups] == ["full", "incremental"]
    assert (recovered.timeline, len(replayed)) == (2, len(chain.segments))
    assert recovered.last_commit_at is not None
    assert recovered.last_commit_at > history.time
    assert check_pages(recovered.data, programs=history.server.programs).blocks > 1000
    assert rows_in(recovered, history.server) == list(range(1, 41))


@pytest.mark.slow
def test_a_position_holds_what_was_committed_before_it(history: History, into: Path) -> None:
    """The transaction right after it is not there."""
    recovered = restore(
        history.server, history.repository, history.both, target=AtLsn(history.lsn), into=into
    )

    assert parse_lsn(recovered.lsn) >= history.lsn
    assert rows_in(recovered, history.server) == list(range(1, 31))


@pytest.mark.slow
def test_a_time_holds_what_was_committed_by_then(history: History, into: Path) -> None:
    """From the full backup alone; the log has all the rest."""
    recovered = restore(
        history.server, history.repository, [history.full], target=AtTime(history.time), into=into
    )

    assert recovered.last_commit_at is not None
    assert recovered.last_commit_at <= history.time
    assert rows_in(recovered, history.server) == list(range(1, 31))


@pytest.mark.slow
def test_a_restore_point_is_found_by_its_name(history: History, into: Path) -> None:
    """It is somewhere in the log."""
    recovered = restore(history.server, history.repository, history.both, target=AtName("here"), into=into)

    assert rows_in(recovered, history.server) == list(range(1, 31))


@pytest.mark.drill
@pytest.mark.parametrize("target", ["time", "name"])
def test_a_target_behind_the_end_of_the_log_is_no_success(history: History, into: Path, target: str) -> None:
    """PostgreSQL must not stop at the end of the log as if it had been the target."""
    wanted = AtName("nowhere") if target == "name" else AtTime(history.time + timedelta(hours=1))

    with pytest.raises(FailedError) as raised:
        restore(history.server, history.repository, history.both, target=wanted, into=into)

    assert raised.value.code == "DRC031"
    assert "ended before" in str(raised.value.why)


@pytest.mark.slow
def test_the_very_end_of_the_log_is_a_position_that_can_be_reached(history: History, into: Path) -> None:
    """No record follows it, at which PostgreSQL would stop; still everything before it is there."""
    programs, vault = history.server.programs, vault_of(history.repository)
    chain = chain_in(history.repository, history.both, Latest())
    latest = materialise(chain, vault=vault, programs=programs, into=into, listener=ignore)
    size = chain.archive.segment_bytes
    tail = read_tail(programs, latest.wal, segments=chain.segments, segment_bytes=size)
    assert tail is not None
    target = AtLsn(tail.end)

    rebuilt = replace(latest, chain=chain_in(history.repository, history.both, target))
    recovered = recover(rebuilt, programs=programs, user="opsctl", listener=ignore, clock=SystemClock())

    assert parse_lsn(recovered.lsn) == tail.end
    assert rows_in(recovered, history.server) == list(range(1, 41))


@pytest.mark.drill
def test_a_restored_server_lives_on_and_can_be_restored_again(
    history: History, open_folder: Path, into: Path, tmp_path: Path
) -> None:
    """With a new password, settings of its own, and an archive on which both timelines stand."""
    repository = tmp_path / "repository"
    shutil.copytree(history.repository, repository)
    # The archiver of the old server was killed, and left the beginning of a segment that nobody will finish.
    shutil.copytree(history.spool, tmp_path / "spool")
    rebuilt = materialise(
        chain_in(repository, history.both, AtLsn(history.lsn)),
        vault=vault_of(repository),
        programs=history.server.programs,
        into=into,
        listener=ignore,
    )
    recovered = recover(
        rebuilt,
        programs=history.server.programs,
        user="opsctl",
        listener=ignore,
        clock=SystemClock(),
        new_password=NewPassword(role="opsctl", password="another one"),
    )

    home = open_folder / f"second-{tmp_path.name}"
    with adopted_server(home, data=recovered.data, port=free_port()) as second:
        with pytest.raises(NotReadyError, match="refused the password"):
            second.start()
        second.password = "another one"
        second.wait()
        archiver = RunningArchiver(server=second, repository=repository, spool=tmp_path / "spool").start()
        try:
            second.insert(101, 110)
            archiver.wait_until_shipped()
            third = take_backup(second, repository, name="third", parent=None)
            second.insert(111, 120)
            status = archiver.wait_until_shipped()
            assert archiver.stop() == 0
        finally:
            archiver.end()
        slots = second.execute("select slot_name from pg_replication_slots")
    again = open_folder / f"again-{tmp_path.name}"
    from_the_first = restore(second, repository, history.both, target=Latest(), into=again / "first")
    from_the_third = restore(
        second, repository, [*history.both, third], target=Latest(), into=again / "third"
    )

    assert (status.timeline, status.lost, slots) == (2, None, [("opsctl_archive",)])
    assert (from_the_first.timeline, from_the_third.timeline) == (3, 3)
    expected = [*range(1, 31), *range(101, 121)]
    assert rows_in(from_the_first, second) == expected
    assert rows_in(from_the_third, second) == expected


@pytest.mark.drill
def test_a_backup_alone_goes_to_its_own_end(history: History, into: Path) -> None:
    """Nothing of the archive is needed for that, and nothing behind it is there."""
    end = AtLsn(parse_lsn(base_of(history.incremental).end_lsn))
    chain = chain_in(history.repository, history.both, end)

    recovered = restore(history.server, history.repository, history.both, target=end, into=into)

    assert chain.segments == ()
    assert recovered.lsn == base_of(history.incremental).end_lsn
    assert rows_in(recovered, history.server) == list(range(1, 21))


def test_nothing_is_restored_over_something(history: History, into: Path) -> None:
    """A folder with a file in it stays as it is."""
    into.mkdir()
    (into / "precious").touch()

    with pytest.raises(RefusedError) as raised:
        restore(history.server, history.repository, history.both, target=Latest(), into=into)

    assert raised.value.code == "DRC028"
    assert [path.name for path in into.iterdir()] == ["precious"]


def test_a_restore_that_cannot_fit_does_not_begin(
    history: History, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it needs and what is free are said."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 5, 5))

    with pytest.raises(NotReadyError) as raised:
        restore(history.server, history.repository, history.both, target=Latest(), into=into)

    assert (raised.value.code, into.exists()) == ("DRC039", False)
    assert "5 are free" in str(raised.value.why)


def test_a_private_server_cannot_be_reached_by_tcp(history: History, into: Path) -> None:
    """Neither under the port of the old server nor by anybody else's socket."""
    from opsctl.dr.postgres.private_server import private_server

    recovered = restore(history.server, history.repository, [history.full], target=Latest(), into=into)

    with private_server(
        recovered.data, programs=history.server.programs, settings={}, work=into, clock=SystemClock()
    ) as server:
        server.wait_until_ready(user="opsctl", clock=SystemClock())
        mode = server.sockets.stat().st_mode & 0o777
        names = sorted(path.name for path in server.sockets.iterdir())

    assert isinstance(server.address(user="opsctl"), DatabaseAddress)
    assert (mode, names) == (0o700, [".s.PGSQL.5432", ".s.PGSQL.5432.lock"])
    assert not server.is_alive
