"""PostgreSQL lives in the project where its user can get there, and elsewhere where not."""

import os
from pathlib import Path

import pytest

from opsctl.clients.processes import Account
from opsctl.stack import placement

_NOBODY = Account(uid=65534, gid=65534)


def test_a_plain_user_needs_no_other_account_and_no_other_place(tmp_path: Path) -> None:
    """Without an account the data is inside the project."""
    assert placement.choose_data_dir(tmp_path, account=None) == tmp_path / "stack" / "postgres"


def test_data_stays_inside_a_project_that_the_account_can_enter(open_folder: Path) -> None:
    """A project in an open folder keeps its data, whether the folder is there yet or not."""
    home = open_folder / "open-project" / ".opsctl"

    assert placement.choose_data_dir(home, account=_NOBODY) == home / "stack" / "postgres"


def test_data_of_a_closed_project_goes_to_the_shared_root(open_folder: Path) -> None:
    """Below a folder of mode 0700, as under /root, the account could not reach the data."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    shared = open_folder / "shared"

    first = placement.choose_data_dir(closed / "a" / ".opsctl", account=_NOBODY, shared_root=shared)
    second = placement.choose_data_dir(closed / "b" / ".opsctl", account=_NOBODY, shared_root=shared)

    assert first.is_relative_to(shared)
    assert first != second
    assert first == placement.choose_data_dir(closed / "a" / ".opsctl", account=_NOBODY, shared_root=shared)


def test_the_state_of_a_stack_goes_with_its_data_wherever_that_lies(open_folder: Path) -> None:
    """Else the next stack of that folder would find a database, and no password of it; others keep theirs."""
    closed, shared = open_folder / "closed", open_folder / "shared"
    homes = [closed / name / ".opsctl" for name in ("a", "b")]
    for home in homes:
        for name in ("postgres", "pgbouncer"):
            for folder in placement.possible_data_dirs(home, name=name, shared_root=shared):
                folder.mkdir(parents=True)

    placement.remove_state(homes[0], shared_root=shared)

    left = [
        [folder.exists() for folder in placement.possible_data_dirs(home, name=name, shared_root=shared)]
        for home in homes
        for name in ("postgres", "pgbouncer")
    ]
    assert left == [[False, False], [False, False], [True, True], [True, True]]
    assert not homes[0].exists()


@pytest.mark.skipif(os.getuid() != 0, reason="the account differs from our own only for root")
def test_root_chooses_the_owner_of_the_project(open_folder: Path) -> None:
    """A project of a plain user is run as that user; one of root as nobody."""
    own, foreign = open_folder / "of-root", open_folder / "of-user"
    for folder in (own, foreign):
        folder.mkdir()
    os.chown(foreign, 1234, 1235)

    assert placement.choose_account(own / ".opsctl") == _NOBODY
    assert placement.choose_account(foreign / ".opsctl") == Account(uid=1234, gid=1235)


@pytest.mark.skipif(os.getuid() != 0, reason="only root runs the programs as somebody else")
def test_programs_that_the_account_cannot_reach_are_copied_whole(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment in a closed folder gets a copy of the programs, with their libraries, that runs."""
    import shutil
    import subprocess

    closed = open_folder / "closed-venv"
    closed.mkdir(mode=0o700)
    package = placement._package_dir()
    for folder in (package, placement._libraries_dir(package)):
        shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("include"))
    monkeypatch.setattr(placement, "_package_dir", lambda: closed / package.name)

    programs = placement.choose_programs_dir(account=_NOBODY, shared_root=open_folder / "programs")
    said = subprocess.run(
        [programs / "initdb", "--version"],
        user=65534,
        group=65534,
        check=True,
        capture_output=True,
        text=True,
    )

    assert programs.is_relative_to(open_folder / "programs")
    assert said.stdout.startswith("initdb (PostgreSQL) 18")
    assert placement.choose_programs_dir(account=_NOBODY, shared_root=open_folder / "programs") == programs
