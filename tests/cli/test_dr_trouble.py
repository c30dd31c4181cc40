"""What breaks off in the middle leaves nothing that looks whole, and goes on where it was."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.dr_shop import Run, Shop, vault_of, wait_until

from opsctl.clients.file_locks import FileLock
from opsctl.dr.kept import Catalogue, new_backup_id
from opsctl.dr.manifest import BackupKind
from opsctl.stack.model import PartName

pytestmark = pytest.mark.stack


@pytest.fixture
def small_disk(dr_shop: Shop) -> Iterator[Path]:
    """Give the repository a disk of its own, which is too small."""
    if os.getuid() != 0:
        pytest.skip("only root may mount")
    disk = dr_shop.folder / "small"
    disk.mkdir()
    _mount("-t", "tmpfs", "-o", "size=1500k", "none", str(disk))
    try:
        dr_shop.write_book(repository=str(disk / "repository"))
        yield disk
    finally:
        dr_shop.write_book()
        subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def names(shop: Shop) -> list[str]:
    """Return the names of the backups, the newest first."""
    return [each["backup_id"] for each in shop.listed()]


def begun(shop: Shop) -> dict[str, Any]:
    """Return the notes of the backup that is not done."""
    notes: dict[str, Any] = json.loads((shop.notes / "unfinished.json").read_text())
    return notes


def copying(shop: Shop) -> "subprocess.Popen[str]":
    """Start a full backup, and return when its vectors are copied and the database is next."""
    path = shop.notes / "unfinished.json"
    process = shop.start("dr", "backup", "--full", "--json")
    wait_until(lambda: (path.is_file() and '"vectors"' in path.read_text()) or process.poll() is not None)
    return process


def ended(process: "subprocess.Popen[str]") -> Run:
    """Wait for the end of a command."""
    stdout, stderr = process.communicate(timeout=120)
    return Run(exit_code=process.returncode, stdout=stdout, stderr=stderr)


def is_tried(home: Path) -> bool:
    """Tell whether the server of a trial has started; its folders come and go meanwhile, which a glob would not survive."""
    return any("postmaster.pid" in files for trial in home.glob("verify-*") for _, _, files in os.walk(trial))


def test_two_at_once_are_refused(dr_shop: Shop):
    """A backup while one runs, and pruning while one runs."""
    with FileLock(dr_shop.notes / "backup.lock", what="a backup"):
        backup = dr_shop.run("dr", "backup")
        prune = dr_shop.run("dr", "prune")

    assert [(each.exit_code, each.codes) for each in (backup, prune)] == [(4, ["FIL002"])] * 2


@pytest.mark.drill
def test_where_only_the_copy_off_site_fails_the_backup_is_kept_and_the_ledger_says_so(dr_shop: Shop):
    """The next one copies what is missing."""
    offsite = dr_shop.folder / "nowhere"
    offsite.write_text("no folder")
    dr_shop.write_book(offsite=str(offsite))
    try:
        failed = dr_shop.run("dr", "backup")
        name = names(dr_shop)[0]
        (record,) = dr_shop.run("evidence", "list", "--kind", "dr.backup", "--limit", "1").data
        offsite.unlink()
        dr_shop.run("dr", "backup").data  # noqa: B018 - it must go well
        copied = {path.name for path in (offsite / "backups").iterdir()}
    finally:
        dr_shop.write_book()

    assert (failed.exit_code, failed.codes) == (3, ["FIL003"])
    assert f"`{name}` is whole, but not off-site" in failed.stderr + failed.stdout
    assert (record["verdict"], record["figures"]["backup"]) == ("fail", name)
    assert "FIL003" in record["figures"]["off-site"]
    assert name in copied


def test_one_that_is_killed_in_the_middle_goes_on_and_is_listed_once(dr_shop: Shop):
    """By SIGKILL, when the vectors were copied: they are not copied again."""
    before = names(dr_shop)
    killed = copying(dr_shop)
    killed.kill()
    assert ended(killed).exit_code == -signal.SIGKILL
    name = begun(dr_shop)["beginning"]["backup_id"]
    assert names(dr_shop) == before

    manifest = dr_shop.run("dr", "backup", "--full").data["manifest"]

    assert manifest["backup_id"] == name
    assert names(dr_shop) == [name, *before]
    assert all(f"/{name}/1/vectors/" in each["snapshot"]["key"] for each in manifest["vectors"])
    assert f"/{name}/2/postgres/" in manifest["base"]["tar"]["key"]
    assert not (dr_shop.notes / "unfinished.json").exists()
    assert dr_shop.run("dr", "verify", name, "--stored-only").exit_code == 0


@pytest.mark.drill
def test_a_disk_that_fills_up_leaves_nothing_half_and_the_backup_goes_on_when_there_is_room(
    dr_shop: Shop, small_disk: Path
):
    """Exit 3 tells whoever runs it that it is not the backup that is bad."""
    full = dr_shop.run("dr", "backup", "--full")

    assert (full.exit_code, full.codes) == (3, ["FIL001"])
    assert dr_shop.listed() == []
    assert not [
        path for path in small_disk.rglob("*") if path.name.endswith(".tmp") or "base.tar" in path.name
    ]
    name, done = begun(dr_shop)["beginning"]["backup_id"], begun(dr_shop)["steps"]
    assert list(done) == ["vectors"]

    _mount("-o", "remount,size=200m", str(small_disk))
    manifest = dr_shop.run("dr", "backup", "--full").data["manifest"]

    assert [manifest["backup_id"]] == names(dr_shop) == [name]
    assert dr_shop.run("dr", "verify", "--stored-only").exit_code == 0


@pytest.mark.slow
def test_what_a_killed_backup_left_long_ago_is_pruned(dr_shop: Shop):
    """And nothing else, where retention keeps all."""
    name = "20260101T000000Z-full-0a1b2c"
    left = dr_shop.repository / "backups" / name / "1" / "vectors" / "content"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    before = names(dr_shop)
    dr_shop.write_book(retention={"at_least": 100})
    try:
        planned, done = dr_shop.run("dr", "prune", "--dry-run"), dr_shop.run("dr", "prune")
    finally:
        dr_shop.write_book()

    assert planned.data["leftovers"] == done.data["leftovers"] == [name]
    assert not (dr_shop.repository / "backups" / name).exists()
    assert names(dr_shop) == before


def test_a_clock_that_was_set_back_loses_nothing(dr_shop: Shop):
    """A backup from the future is listed, built on, and never pruned."""
    vault = vault_of(dr_shop.repository, dr_shop.key)
    catalogue = Catalogue(vault, copies=dr_shop.notes / "manifests")
    newest = catalogue.backups()[0]
    at = newest.started_at + timedelta(days=400)
    assert newest.manifest is not None
    future = replace(
        newest.manifest,
        backup_id=new_backup_id(BackupKind.FULL, now=at, token="0a1b2c"),
        started_at=at,
        ended_at=at,
    )
    key = catalogue.add(future)
    try:
        listed, planned = dr_shop.run("dr", "list"), dr_shop.run("dr", "backup", "--dry-run")
        kept = dr_shop.run("dr", "prune", "--dry-run").data["kept"]
    finally:
        (dr_shop.repository / key).unlink()

    assert listed.data["backups"][0]["backup_id"] == future.backup_id
    assert planned.exit_code == 0
    assert any("a clock was wrong" in reason for reason in kept[future.backup_id])
    assert newest.backup_id in kept


@pytest.mark.drill
def test_a_server_that_dies_in_the_middle_leaves_no_backup_and_the_next_run_makes_it(dr_shop: Shop):
    """Exit 3: nobody answers; the vectors were copied, and are not copied again."""
    before = names(dr_shop)
    process = copying(dr_shop)
    pid = dr_shop.state.part(PartName.POSTGRES).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    done = ended(process)
    assert dr_shop.run("stack", "up", "postgres", "vectors").exit_code == 0

    assert done.exit_code == 3, done.stderr
    assert names(dr_shop) == before
    manifest = dr_shop.run("dr", "backup", "--full").data["manifest"]
    assert all("/1/vectors/" in each["snapshot"]["key"] for each in manifest["vectors"])
    assert names(dr_shop)[0] == manifest["backup_id"]


@pytest.mark.drill
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_verification_that_is_interrupted_leaves_nothing_running_and_no_mark(
    dr_shop: Shop, number: signal.Signals
):
    """Ctrl-C in the middle of the trial, or the end of a job that took too long."""
    home = dr_shop.root / ".opsctl"
    marks = sorted((dr_shop.repository / "verified").rglob("*"))
    process = dr_shop.start("dr", "verify", "--json")
    try:
        wait_until(lambda: is_tried(home) or process.poll() is not None)
    finally:
        process.send_signal(number)
    done = ended(process)

    assert done.exit_code == 130, done.stderr
    assert not list(home.glob("verify-*"))
    assert sorted((dr_shop.repository / "verified").rglob("*")) == marks
    assert (
        shutil.which("pgrep") is None
        or "verify-"
        not in subprocess.run(
            ["pgrep", "-af", str(home / "verify-")], capture_output=True, text=True, check=False
        ).stdout
    )
