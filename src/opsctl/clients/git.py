"""Which commit of the project did a measurement see: the head, whether anything was changed, and what is changed since."""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

_TIMEOUT_SECONDS = 5
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def read_commit(folder: Path) -> str | None:
    """Return the commit that is checked out, with `+changes` where tracked files differ from it.

    None where the folder is no git checkout, has no commit yet, or git is not installed: a measurement does not
    depend on it.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    # A git that was too slow to tell has not said that nothing was changed.
    return commit if changes == "" else f"{commit}+changes"


def read_state(folder: Path) -> str | None:
    """Return the commit, and where files differ from it a digest of how: two states of one commit are not one.

    None as of `read_commit`, and where git cannot tell what differs.
    """
    commit = read_commit(folder)
    if commit is None or not commit.endswith("+changes"):
        return commit
    changes = _git(folder, "diff", "--binary", "HEAD")
    return None if changes is None else f"{commit} {hashlib.sha256(changes.encode()).hexdigest()}"


def changed_since(folder: Path, commit: str, paths: Sequence[str]) -> tuple[str, ...] | None:
    """Return the files below these paths of a folder that differ from a commit, new ones among them, by name.

    None where that cannot be told: no git, no checkout, or a commit that is not here. A path that is not there, and was
    not there then, differs in nothing.
    """
    if not _has_commit(folder, commit):
        return None
    literal = [f":(literal){path}" for path in paths]
    tracked = _git(folder, "diff", "--name-only", "--relative", "-z", commit, "--", *literal)
    new = _git(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", *literal)
    if tracked is None or new is None:
        return None
    return tuple(sorted(_names(tracked) | _names(new)))


def _has_commit(folder: Path, commit: str) -> bool:
    return (
        bool(_COMMIT.fullmatch(commit)) and _git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None
    )


def _names(text: str) -> set[str]:
    return {name for name in text.split("\0") if name}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        process = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",  # a name on disk is bytes, in no encoding for sure
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return process.stdout.strip()
