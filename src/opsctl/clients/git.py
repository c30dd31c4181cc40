"""Which commit of the project did a measurement see: the head, and whether anything was changed since."""

import subprocess
from pathlib import Path

_TIMEOUT_SECONDS = 5


def read_commit(folder: Path) -> str | None:
    """Return the commit that is checked out, with `+changes` where tracked files differ from it.

    None where the folder is no git checkout, has no commit yet, or git is not installed: a measurement does not
    depend on it.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        process = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return process.stdout.strip()
