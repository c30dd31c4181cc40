"""A hole in the log is remembered until a base backup has begun after it: what lies behind it is of no use before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.dr.postgres.history import vault_of

from opsctl.dr.archiver.loss import Loss, is_mended, noted_loss
from opsctl.dr.archiver.status import ArchiverStatus, read_status, write_status
from opsctl.dr.kept import new_backup_id
from opsctl.dr.manifest import BackupKind

SEEN_AT = datetime(2026, 11, 29, 12, 0, 0, 500_000, tzinfo=UTC)
LOSS = Loss(words="a part of the log was removed", seen_at=SEEN_AT)
STATUS = ArchiverStatus(noted_at=SEEN_AT + timedelta(hours=1), shipped_at=SEEN_AT)


def keep(folder: Path, kind: BackupKind, *, after: timedelta, name: str = "manifest") -> None:
    """Keep a backup that began so long after the loss was seen."""
    backup_id = new_backup_id(kind, now=SEEN_AT + after, token="0a1b2c")
    vault_of(folder).put_named(f"backups/{backup_id}", name, b"whole")


@pytest.mark.parametrize("kind", [BackupKind.FULL, BackupKind.INCREMENTAL])
def test_a_base_backup_that_began_since_mends_it(tmp_path: Path, kind: BackupKind):
    """It needs nothing of the log before it."""
    keep(tmp_path, kind, after=timedelta(seconds=1))

    assert is_mended(LOSS, vault_of(tmp_path))


@pytest.mark.parametrize(
    ("kind", "after", "name"),
    [
        (BackupKind.FULL, timedelta(seconds=-1), "manifest"),
        (BackupKind.FULL, timedelta(0), "manifest"),
        (BackupKind.LOGICAL, timedelta(seconds=1), "manifest"),
        (BackupKind.FULL, timedelta(seconds=1), "something"),
    ],
    ids=["older", "in the same second", "no log leads on from it", "not whole yet"],
)
def test_nothing_else_does(tmp_path: Path, kind: BackupKind, after: timedelta, name: str):
    """Where it cannot be told, another backup is what costs less."""
    keep(tmp_path, kind, after=after, name=name)

    assert not is_mended(LOSS, vault_of(tmp_path))


def test_it_is_in_the_note_for_the_archiver_that_follows(tmp_path: Path):
    """With the moment at which it was seen; an older note has only its own."""
    path = tmp_path / "status.json"
    write_status(path, replace(STATUS, lost=LOSS.words, lost_at=LOSS.seen_at))

    read = read_status(path)

    assert read is not None
    assert noted_loss(read) == LOSS
    assert noted_loss(replace(read, lost_at=None)) == replace(LOSS, seen_at=STATUS.noted_at)
    write_status(path, STATUS)
    assert read_status(path) == STATUS
    assert noted_loss(STATUS) is None
