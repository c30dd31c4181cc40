"""The commit that a proof names."""

import os
import subprocess
from pathlib import Path

from opsctl.clients.git import changed_since, read_commit, read_state


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


def test_two_states_of_one_commit_are_not_one(tmp_path: Path):
    """What was done before an edit was not done after it."""
    commit = committed(tmp_path)
    states = [read_state(tmp_path)]
    for text in ("one", "two", "two"):
        (tmp_path / "a" / "one").write_text(text)
        states.append(read_state(tmp_path))

    assert states[0] == commit
    assert str(states[1]).startswith(f"{commit}+changes ")
    assert len(set(states)) == 3
    assert states[2] == states[3]


def test_where_git_cannot_tell_of_changes_there_may_be_some(tmp_path: Path):
    """A figure passes for one of the commit only where git has said that nothing was changed."""
    commit = committed(tmp_path)
    (tmp_path / ".git" / "index").write_bytes(b"damaged")

    assert read_commit(tmp_path) == f"{commit}+changes"


def test_a_file_with_a_name_in_no_encoding_is_a_change_like_another(tmp_path: Path):
    """Such as one from an old archive."""
    commit = committed(tmp_path)
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/a/caf\xe9"))).write_text("new")

    assert changed_since(tmp_path, commit, ["a"]) == ("a/caf\ufffd",)


def committed(folder: Path) -> str:
    """Make a checkout with two files, and return its commit."""
    git(folder, "init", "--quiet")
    for name in ("a/one", "b/two"):
        (folder / name).parent.mkdir()
        (folder / name).write_text(name)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "one")
    return git(folder, "rev-parse", "HEAD")


def test_files_that_differ_from_a_commit_are_told_below_the_paths_that_are_asked_for(tmp_path: Path):
    """Changed, removed and new ones, committed or not."""
    commit = committed(tmp_path)

    assert changed_since(tmp_path, commit, ["a", "b", "not-there"]) == ()
    (tmp_path / "a/one").write_text("changed")
    (tmp_path / "a/new").write_text("new")
    assert changed_since(tmp_path, commit, ["a"]) == ("a/new", "a/one")
    assert changed_since(tmp_path, commit, ["b"]) == ()
    (tmp_path / "b/two").unlink()
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "two")
    assert changed_since(tmp_path, commit, ["b"]) == ("b/two",)


def test_of_a_commit_that_is_not_here_nothing_can_be_told(tmp_path: Path):
    """Such as after a shallow clone; an option is no commit, either."""
    committed(tmp_path)

    assert changed_since(tmp_path, "f" * 40, ["a"]) is None
    assert changed_since(tmp_path, "--output=x", ["a"]) is None
    assert changed_since(tmp_path / "a" / "..", "f" * 40, ["*"]) is None


def test_paths_of_a_project_below_the_top_of_its_checkout_are_its_own(tmp_path: Path):
    """As the book writes them."""
    commit = committed(tmp_path)
    (tmp_path / "a/one").write_text("changed")

    assert changed_since(tmp_path / "a", commit, ["one"]) == ("one",)
    assert changed_since(tmp_path / "b", commit, ["one", "a"]) == ()
