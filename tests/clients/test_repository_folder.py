"""What only a folder can go through: a full disk, a killed writer, files of others, and who may read it."""

import errno
import io
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from tests.fakes.clock import FakeClock

from opsctl.clients import repository_folder
from opsctl.clients.repository_folder import FolderRepository
from opsctl.core.errors import FailedError, NotReadyError

_START = """
    import os, resource, signal, sys
    from pathlib import Path
    from opsctl.clients.repository_folder import FolderRepository
    from opsctl.core.errors import OpsError
    repository = FolderRepository(Path(sys.argv[1]))
"""


def _run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_START) + textwrap.dedent(code), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_pipe_in_the_place_of_an_object_holds_up_nobody(tmp_path: Path) -> None:
    """Nobody writes into it, and the one who reads would wait for ever."""
    os.mkfifo(tmp_path / "a")

    done = _run(
        """
        signal.alarm(20)
        try:
            list(repository.get("a"))
        except OpsError as error:
            print(error.code, int(error.exit_code))
        """,
        tmp_path,
    )

    assert done.stdout == "REP003 1\n"


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    """A content beyond the file-size limit is FIL001; what was there stays, and nothing half-written."""
    FolderRepository(tmp_path).put("kept", [b"1"])

    done = _run(
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            repository.put("a/b", [b"x" * 60_000] * 3)
        except OpsError as error:
            print(error.code, int(error.exit_code))
        """,
        tmp_path,
    )

    assert done.stdout == "FIL001 3\n"
    assert _files(tmp_path) == ["kept"]
    assert not (tmp_path / "a").exists()


def test_a_writer_that_is_killed_leaves_no_object_and_the_key_free(tmp_path: Path) -> None:
    """What it has left is hidden, and goes a day later, with the next thing that is kept."""
    done = _run(
        """
        def pieces():
            yield b"x" * 1_000_000
            os.kill(os.getpid(), signal.SIGKILL)
        repository.put("a/b", pieces())
        """,
        tmp_path,
    )
    clock = FakeClock()
    repository = FolderRepository(tmp_path, clock=clock)
    (left,) = (tmp_path / ".unfinished").iterdir()

    assert done.returncode == -signal.SIGKILL
    assert (list(repository.list()), repository.find("a/b")) == ([], None)
    for age, is_there in ((timedelta(hours=23), True), (timedelta(hours=25), False)):
        moment = (clock.now() - age).timestamp()
        if left.exists():
            os.utime(left, (moment, moment))
        repository.put(f"a/b{is_there}", [b"whole"])
        assert left.exists() == is_there


def test_a_file_where_a_folder_should_be_is_told_before_anything_is_read(tmp_path: Path) -> None:
    """It is FIL003, whether it is in the way of a key, is the folder itself, or a folder is in the way."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder" / "object").mkdir(parents=True)
    cases = [
        (FolderRepository(tmp_path), "file/a"),
        (FolderRepository(tmp_path / "file"), "a"),
        (FolderRepository(tmp_path), "folder"),
    ]

    for repository, key in cases:
        with pytest.raises(NotReadyError) as caught:
            repository.put(key, iter(lambda: pytest.fail("it was read"), None))
        assert caught.value.code == "FIL003"
    with pytest.raises(NotReadyError) as caught:
        list(FolderRepository(tmp_path / "file").list())

    assert caught.value.code == "FIL003"
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told() -> None:
    """The system's own words stand in the message; nobody may make a folder in /sys, not even root."""
    with pytest.raises(NotReadyError) as caught:
        FolderRepository(Path("/sys/opsctl-backups")).put("a", [b"1"])

    assert caught.value.code == "FIL003"
    assert caught.value.why


def test_files_of_others_are_no_objects(tmp_path: Path) -> None:
    """Names that are no keys are left out, and left alone."""
    repository = FolderRepository(tmp_path)
    repository.put("a/b", [b"1"])
    for name in (".hidden", "a/.b.swp", "with blank", "a/ä"):
        (tmp_path / name).write_text("not ours")

    assert [found.key for found in repository.list()] == ["a/b"]
    repository.delete("a/b")
    assert (tmp_path / "a" / ".b.swp").read_text() == "not ours"


def test_only_the_owner_can_read_what_is_kept(tmp_path: Path) -> None:
    """A backup holds everything that the service knows."""
    repository = FolderRepository(tmp_path / "backups")

    repository.put("a/b", [b"1"])

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "backups").rglob("*")}
    assert all(mode & 0o077 == 0 for mode in modes.values())
    assert stat.S_IMODE((tmp_path / "backups").stat().st_mode) == 0o700


def test_removing_the_last_object_of_a_folder_removes_the_folder(tmp_path: Path) -> None:
    """A repository that is tidied for years does not fill with empty folders; its own folder stays."""
    repository = FolderRepository(tmp_path)
    repository.put("a/b/c", [b"1"])
    repository.put("a/d", [b"2"])

    repository.delete("a/b/c")
    assert (tmp_path / "a").is_dir()
    assert not (tmp_path / "a" / "b").exists()

    repository.delete("a/d")
    assert not (tmp_path / "a").exists()
    assert tmp_path.is_dir()


def test_a_file_that_becomes_shorter_while_it_is_read_is_told(tmp_path: Path) -> None:
    """It does not simply end."""
    repository = FolderRepository(tmp_path)
    repository.put("a", [b"x" * 3_000_000])
    pieces = repository.get("a")
    next(pieces)

    os.truncate(tmp_path / "a", 1_500_000)

    with pytest.raises(FailedError) as caught:
        list(pieces)
    assert caught.value.code == "REP003"
    assert "1,500,000 bytes early" in str(caught.value.why)


@pytest.mark.parametrize("number", [errno.EIO, errno.EBADMSG, errno.EUCLEAN])
def test_an_object_that_its_disk_cannot_read_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A verification has a verdict then, and a restore goes on with an older backup."""
    repository = FolderRepository(tmp_path)
    repository.put("a", [b"x" * 3_000_000])
    monkeypatch.setattr(repository_folder, "open", _opened_with_a_bad_sector(number), raising=False)
    pieces = repository.get("a")
    next(pieces)

    with pytest.raises(FailedError) as caught:
        list(pieces)

    assert (caught.value.code, caught.value.why) == ("REP003", os.strerror(number))


def test_a_share_that_does_not_answer_says_nothing_against_its_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are out of reach, which is no damage."""
    repository = FolderRepository(tmp_path)
    repository.put("a", [b"x" * 3_000_000])
    monkeypatch.setattr(repository_folder, "open", _opened_with_a_bad_sector(errno.ETIMEDOUT), raising=False)

    with pytest.raises(NotReadyError) as caught:
        list(repository.get("a"))

    assert caught.value.code == "FIL003"


def test_a_disk_that_is_away_says_nothing_against_its_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stick that was pulled out, or a soft mount whose server is gone, gives the error of a bad sector and takes nothing."""
    repository = FolderRepository(tmp_path)
    repository.put("a", [b"x" * 3_000_000])

    def away(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(repository_folder, "open", _opened_with_a_bad_sector(errno.EIO), raising=False)
    pieces = repository.get("a")
    next(pieces)
    monkeypatch.setattr(os, "fsync", away)

    with pytest.raises(NotReadyError) as caught:
        list(pieces)

    assert caught.value.code == "FIL003"


def test_a_read_that_failed_and_succeeds_again_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mount is back; the next verification reads it."""
    repository = FolderRepository(tmp_path)
    repository.put("a", [b"x" * 3_000_000])
    with monkeypatch.context() as patched:
        patched.setattr(repository_folder, "open", _opened_with_a_bad_sector(errno.EIO), raising=False)
        pieces = repository.get("a")
        next(pieces)

    with pytest.raises(NotReadyError) as caught:
        list(pieces)

    assert caught.value.code == "FIL003"


def _opened_with_a_bad_sector(number: int) -> Callable[..., io.FileIO]:
    """Return an `open` whose files can be read up to their second mebibyte."""

    class Bad(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 1 << 20:
                raise OSError(number, os.strerror(number))
            return super().read(size) or b""

    def opened(path: Path, *_: object, **__: object) -> io.FileIO:
        return Bad(path)

    return opened


def test_a_folder_without_links_keeps_objects_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FAT knows no links; a second content under a key is refused there, too."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    repository = FolderRepository(tmp_path)

    def meanwhile() -> "list[bytes]":
        (tmp_path / "b").write_bytes(b"somebody else's")
        return [b"2"]

    repository.put("a", [b"1"])
    with pytest.raises(Exception, match="already"):
        repository.put("b", (piece for piece in meanwhile()))

    assert b"".join(repository.get("a")) == b"1"
    assert b"".join(repository.get("b")) == b"somebody else's"
    assert _files(tmp_path) == ["a", "b"]
