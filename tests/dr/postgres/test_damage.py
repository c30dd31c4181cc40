"""Whatever is damaged or missing is refused: before, while or after it is put together, never restored in silence."""

import io
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.dr.postgres.history import (
    History,
    archive_in,
    base_of,
    chain_in,
    restore,
    vault_of,
)

from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.core.events import ignore
from opsctl.dr.manifest import BackupManifest, SealedFile
from opsctl.dr.postgres.archive import prefix_of, whole_name
from opsctl.dr.postgres.archive_reading import read_segment
from opsctl.dr.postgres.rebuild import materialise
from opsctl.dr.postgres.recover import recover
from opsctl.dr.postgres.target import AtLsn, Latest, Target


@pytest.fixture
def copied(history: History, tmp_path: Path) -> History:
    """Give a history whose repository may be spoiled."""
    shutil.copytree(history.repository, tmp_path / "repository")
    return replace(history, repository=tmp_path / "repository")


@pytest.fixture
def into(open_folder: Path, tmp_path: Path) -> Iterator[Path]:
    """Give the name of a folder for a restore; nothing must be left of it."""
    folder = open_folder / f"damaged-{tmp_path.name}"
    yield folder
    assert not folder.exists()


def flip_byte(repository: Path, key: str, *, at: float = 0.5) -> None:
    """Change one bit of what is stored under a key."""
    path = repository / key
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 0x10
    path.chmod(0o600)
    path.write_bytes(data)


def materialise_all(
    history: History,
    into: Path,
    *,
    backups: Sequence[BackupManifest] | None = None,
    target: Target | None = None,
) -> None:
    """Put everything together, short of the recovery."""
    chain = chain_in(history.repository, backups or history.both, target or Latest())
    materialise(
        chain,
        vault=vault_of(history.repository),
        programs=history.server.programs,
        into=into,
        listener=ignore,
    )


@pytest.mark.slow
@pytest.mark.parametrize("which", ["tar", "manifest"])
def test_a_flipped_byte_in_a_base_backup_is_refused(copied: History, into: Path, which: str) -> None:
    """In the full one, of an incremental chain; nothing stays of the restore."""
    base = base_of(copied.full)
    flip_byte(copied.repository, (base.tar if which == "tar" else base.manifest).key)

    with pytest.raises(OpsError) as raised:
        materialise_all(copied, into)

    assert raised.value.code == "DRC001"


@pytest.mark.slow
def test_a_truncated_base_backup_is_refused(copied: History, into: Path) -> None:
    """What comes before the cut was right, and is not kept either."""
    path = copied.repository / base_of(copied.full).tar.key
    data = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(data[: len(data) // 2])

    with pytest.raises(OpsError) as raised:
        materialise_all(copied, into)

    assert raised.value.code == "DRC001"


def test_a_flipped_byte_in_the_log_is_refused(copied: History, into: Path) -> None:
    """Each segment is named by its digest."""
    archive = archive_in(copied.repository, like=copied.full)
    newest = max(archive.pieces)
    flip_byte(copied.repository, archive.pieces[newest][0].key)

    with pytest.raises(OpsError) as raised:
        materialise_all(copied, into)

    assert raised.value.code == "DRC003"


def test_a_missing_segment_is_refused_with_how_far_one_can_go(copied: History, into: Path) -> None:
    """Nothing behind the gap is replayed as if there were none."""
    archive = archive_in(copied.repository, like=copied.full)
    second_last = sorted(archive.pieces)[-2]
    (copied.repository / archive.pieces[second_last][0].key).unlink()

    with pytest.raises(FailedError) as raised:
        materialise_all(copied, into, backups=[copied.full])

    assert raised.value.code == "DRC026"
    assert second_last.name(archive.segment_bytes) in str(raised.value.why)
    assert "--to 0/4000000" in str(raised.value.fix)


@pytest.mark.slow
def test_a_page_that_was_wrong_from_the_beginning_is_refused_by_postgresql(
    copied: History, into: Path
) -> None:
    """All of our digests hold, and PostgreSQL's own manifest does not."""
    spoiled = with_other_tar(copied, copied.full, change=flip_in_largest_file)

    with pytest.raises(FailedError) as raised:
        materialise_all(copied, into, backups=[spoiled, copied.incremental])

    assert raised.value.code == "DRC029"
    assert "checksum mismatch" in str(raised.value.why)


@pytest.mark.slow
def test_a_file_that_is_missing_is_refused_by_postgresql(copied: History, into: Path) -> None:
    """An incremental backup builds on files that nobody would miss before they are read."""
    spoiled = with_other_tar(copied, copied.full, change=without_largest_file)

    with pytest.raises(FailedError) as raised:
        materialise_all(copied, into, backups=[spoiled])

    assert raised.value.code == "DRC029"
    assert "is present in the manifest but not on disk" in str(raised.value.why)


def test_the_manifest_in_the_backup_and_the_one_beside_it_must_agree(copied: History, into: Path) -> None:
    """Somebody put the manifest of another backup beside it, with all digests right."""
    swapped = replace(
        copied.full, base=replace(base_of(copied.full), manifest=base_of(copied.incremental).manifest)
    )

    with pytest.raises(FailedError) as raised:
        materialise_all(copied, into, backups=[swapped])

    assert raised.value.code == "DRC023"


def test_a_segment_of_another_place_is_refused(copied: History, into: Path) -> None:
    """It is whole, and its name says that it is the next one."""
    archive = archive_in(copied.repository, like=copied.full)
    vault = vault_of(copied.repository)
    first, *_, last = sorted(archive.pieces)
    data = read_segment(vault, archive, first)
    for piece in archive.pieces[last]:
        (copied.repository / piece.key).unlink()
    name = whole_name(last.name(archive.segment_bytes), data)
    vault.put_named(prefix_of(archive.system_identifier, 1), name, data)

    with pytest.raises(FailedError) as raised:
        materialise_all(copied, into)

    assert raised.value.code == "DRC037"


def test_two_servers_in_one_archive_are_refused(copied: History, into: Path) -> None:
    """The same segment with two contents: nobody can tell which is right."""
    archive = archive_in(copied.repository, like=copied.full)
    vault = vault_of(copied.repository)
    segment = sorted(archive.pieces)[-2]
    data = read_segment(vault, archive, segment)[:-1] + b"x"
    name = whole_name(segment.name(archive.segment_bytes), data)
    vault.put_named(prefix_of(archive.system_identifier, 1), name, data)

    with pytest.raises(FailedError) as raised:
        materialise_all(copied, into, backups=[copied.full])

    assert raised.value.code == "DRC035"


@pytest.mark.slow
def test_a_log_that_was_whole_and_cannot_be_copied_says_nothing_against_the_backup(
    copied: History, open_folder: Path, tmp_path: Path
) -> None:
    """It was checked when it was unpacked: that it cannot be copied is this machine's trouble, mostly a full disk."""
    programs = copied.server.programs
    rebuilt = materialise(
        chain_in(copied.repository, [copied.full], Latest()),
        vault=vault_of(copied.repository),
        programs=programs,
        into=open_folder / f"stuck-{tmp_path.name}",
        listener=ignore,
    )
    first = min(path for path in rebuilt.wal.iterdir() if len(path.name) == 24)
    first.unlink()
    first.mkdir()

    with pytest.raises(NotReadyError) as raised:
        recover(rebuilt, programs=programs, user="opsctl", listener=ignore, clock=SystemClock())

    assert raised.value.code == "DRC039"


@pytest.mark.slow
def test_a_log_that_cannot_be_replayed_to_its_end_is_no_success(
    copied: History, open_folder: Path, tmp_path: Path
) -> None:
    """A record was wrong when it was archived: PostgreSQL takes it for the end of the log, and would promote there."""
    archive = archive_in(copied.repository, like=copied.full)
    vault = vault_of(copied.repository)
    third = sorted(archive.pieces)[2]
    data = bytearray(read_segment(vault, archive, third))
    data[0x200] ^= 0xFF
    for piece in archive.pieces[third]:
        (copied.repository / piece.key).unlink()
    name = whole_name(third.name(archive.segment_bytes), bytes(data))
    vault.put_named(prefix_of(archive.system_identifier, 1), name, bytes(data))

    with pytest.raises(FailedError) as raised:
        restore(
            copied.server,
            copied.repository,
            [copied.full],
            target=Latest(),
            into=open_folder / f"early-{tmp_path.name}",
        )

    assert raised.value.code == "DRC031"
    assert "the archived log goes on to 0/5" in str(raised.value.why)


def test_a_point_before_the_oldest_backup_is_refused(copied: History, into: Path) -> None:
    """With when that backup ended."""
    with pytest.raises(FailedError) as raised:
        materialise_all(copied, into, target=AtLsn(0x1000028))

    assert raised.value.code == "DRC024"
    assert base_of(copied.full).end_lsn in str(raised.value.why)


def with_other_tar(history: History, manifest: BackupManifest, *, change) -> BackupManifest:
    """Return a backup whose tar file was changed before it was sealed."""
    vault = vault_of(history.repository)
    base = base_of(manifest)
    content = b"".join(vault.get(base.tar))
    tar: SealedFile = vault.put("backups/other/1/postgres/base.tar", [change(content)])
    return replace(manifest, base=replace(base, tar=tar))


def largest_table(content: bytes) -> tarfile.TarInfo:
    """Return the largest file of a table or index."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return max((each for each in tar if each.name.startswith("base/")), key=lambda each: each.size)


def flip_in_largest_file(content: bytes) -> bytes:
    """Change one bit in the middle of a table."""
    found = largest_table(content)
    data = bytearray(content)
    data[found.offset_data + found.size // 2] ^= 1
    return bytes(data)


def without_largest_file(content: bytes) -> bytes:
    """Leave a table out."""
    found = largest_table(content)
    end = found.offset_data + -(-found.size // 512) * 512
    return content[: found.offset] + content[end:]
