"""The commit that a proof names."""

import subprocess
from pathlib import Path

from opsctl.clients.git import read_commit


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as nobody in particular."""
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    process = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True
    )
    return process.stdout.strip()


def test_a_folder_outside_git_has_no_commit(tmp_path: Path):
    """A measurement works without git."""
    assert read_commit(tmp_path) is None


def test_a_checkout_without_a_commit_has_none(tmp_path: Path):
    """`git init` alone is nothing to name."""
    git(tmp_path, "init", "--quiet")

    assert read_commit(tmp_path) is None


def test_changes_since_the_commit_are_told(tmp_path: Path):
    """A figure measured on edited files does not pass for one of the commit."""
    git(tmp_path, "init", "--quiet")
    book = tmp_path / "book.yaml"
    book.write_text("one")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    head = git(tmp_path, "rev-parse", "HEAD")

    clean = read_commit(tmp_path)
    (tmp_path / "untracked").write_text("evidence")
    beside = read_commit(tmp_path)
    book.write_text("two")
    changed = read_commit(tmp_path)

    assert (clean, beside, changed) == (head, head, f"{head}+changes")
