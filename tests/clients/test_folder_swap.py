"""A folder is replaced as a whole, or stays as it was."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from opsctl.clients import folder_swap
from opsctl.clients.folder_swap import replaced_folder
from opsctl.core.errors import NotReadyError


def site(folder: Path, text: str = "old") -> Path:
    """Make a folder with two files."""
    (folder / "runs").mkdir(parents=True)
    (folder / "index.html").write_text(text)
    (folder / "runs" / "a.html").write_text(text)
    return folder


def test_what_was_written_takes_the_place_of_the_old_as_a_whole(tmp_path: Path):
    """Files of the old one are gone, and nothing is left beside it."""
    target = site(tmp_path / "site")

    with replaced_folder(target) as fresh:
        (fresh / "index.html").write_text("new")
        assert (target / "index.html").read_text() == "old"

    assert [str(path.relative_to(target)) for path in sorted(target.rglob("*"))] == ["index.html"]
    assert (target / "index.html").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_the_first_one_makes_its_place(tmp_path: Path):
    """With the folders above it, readable by all."""
    target = tmp_path / "public" / "site"

    with replaced_folder(target) as fresh:
        (fresh / "index.html").write_text("new")

    assert (target / "index.html").read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o755


def test_an_error_on_the_way_leaves_the_old(tmp_path: Path):
    """And nothing half-made."""
    target = site(tmp_path / "site")

    def fail_half_way() -> None:
        with replaced_folder(target) as fresh:
            (fresh / "index.html").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()

    assert (target / "index.html").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_whoever_is_killed_leaves_the_old_and_the_next_one_clears_up(tmp_path: Path):
    """By a signal that nobody can catch, in the middle of the writing."""
    target = site(tmp_path / "site")
    program = f"""
        import os, signal
        from pathlib import Path
        from opsctl.clients.folder_swap import replaced_folder
        with replaced_folder(Path({str(target)!r})) as fresh:
            (fresh / "index.html").write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False, timeout=60)

    assert killed.returncode == -signal.SIGKILL
    assert (target / "index.html").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2

    with replaced_folder(target) as fresh:
        (fresh / "index.html").write_text("new")

    assert (target / "index.html").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_where_two_names_cannot_be_swapped_it_takes_two_steps(tmp_path: Path, monkeypatch, number):
    """As on network file systems."""

    def refuse(_one: Path, _other: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(folder_swap, "_swap", refuse)
    target = site(tmp_path / "site")

    with replaced_folder(target) as fresh:
        (fresh / "index.html").write_text("new")

    assert (target / "index.html").read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_old_one_that_lost_its_name_between_two_steps_gets_it_back(tmp_path: Path):
    """It is the only one that there is, should the next build fail, too."""
    lost = site(tmp_path / ".site.abcd.old")
    target = tmp_path / "site"

    with pytest.raises(ZeroDivisionError), replaced_folder(target):
        raise ZeroDivisionError

    assert (target / "index.html").read_text() == "old"
    assert not lost.exists()


def test_a_link_stays_one(tmp_path: Path):
    """What it leads to is replaced."""
    target = site(tmp_path / "real")
    link = tmp_path / "site"
    link.symlink_to(target)

    with replaced_folder(link) as fresh:
        (fresh / "index.html").write_text("new")

    assert link.is_symlink()
    assert (target / "index.html").read_text() == "new"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    """With what the system said."""
    (tmp_path / "file").write_text("")

    with pytest.raises(NotReadyError) as raised, replaced_folder(tmp_path / "file" / "site"):
        pass

    assert raised.value.code == "FIL003"
