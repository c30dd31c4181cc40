"""No dump stays behind on this machine's disk, however the process ends that made or loaded it."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from opsctl.core.errors import NotReadyError
from opsctl.dr.postgres.dump_folder import clear_dead, new_dump_folder

_DUMPING = """
    import sys
    from pathlib import Path
    from opsctl.dr.postgres.dump_folder import new_dump_folder

    with new_dump_folder(Path(sys.argv[1]), account=None) as folder:
        folder.mkdir()
        (folder / "toc.dat").write_bytes(b"a whole database")
        print("written", flush=True)
        sys.stdin.read()
"""


def dumping(spool: Path) -> subprocess.Popen[str]:
    """Return a process that has written a dump, and works with it."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_DUMPING), str(spool)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


def dumps(spool: Path) -> list[Path]:
    """Return the dumps in a spool."""
    return [path.parent.parent for path in spool.glob("*/dump/toc.dat")]


def test_a_dump_of_a_process_that_was_killed_goes_with_the_next_one(tmp_path: Path):
    """It is the whole database, in the clear."""
    with dumping(tmp_path) as killed:
        killed.kill()
    (left,) = dumps(tmp_path)

    with new_dump_folder(tmp_path, account=None) as folder:
        assert not left.exists()
        assert not folder.exists()
        assert folder.parent.stat().st_mode & 0o077 == 0

    assert list(tmp_path.iterdir()) == []


def test_a_dump_with_which_somebody_works_stays(tmp_path: Path):
    """Two restores may load at once, each from its own."""
    with dumping(tmp_path) as alive:
        with new_dump_folder(tmp_path, account=None) as folder:
            folder.mkdir()
            clear_dead(tmp_path)
            assert folder.is_dir()
        assert len(dumps(tmp_path)) == 1
        alive.communicate("")

    assert list(tmp_path.iterdir()) == []


def test_a_dump_that_an_older_version_has_left_goes_too(tmp_path: Path):
    """It knew no locks; and where there never was a dump there is nothing to do."""
    (tmp_path / "spool" / "dump-x1" / "dump").mkdir(parents=True)

    clear_dead(tmp_path / "spool")
    clear_dead(tmp_path / "none")

    assert list((tmp_path / "spool").iterdir()) == []
    assert not (tmp_path / "none").exists()


def test_an_error_leaves_nothing_either(tmp_path: Path):
    """It goes through as it is."""
    with pytest.raises(NotReadyError, match="gone"):
        _fail_in_a_dump(tmp_path)

    assert list(tmp_path.iterdir()) == []


def _fail_in_a_dump(spool: Path) -> None:
    with new_dump_folder(spool, account=None) as folder:
        folder.mkdir()
        raise NotReadyError("gone", code="DBS001")
