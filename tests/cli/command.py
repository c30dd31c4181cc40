"""Run a whole command and return what a person or a CI job would see of it."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Exit code, stdout and stderr of a command, paths and times made comparable."""

    exit_code: int
    stdout: str
    stderr: str


def run_opsctl(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None, timeout_seconds: float = 120
) -> Outcome:
    """Run `opsctl` in a folder, without a terminal, in an environment that holds nothing of the caller's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OPSCTL_", "XDG_"))}
    clean |= {"NO_COLOR": "1", "HOME": str(folder), "COLUMNS": "100"} | dict(environment or {})
    process = subprocess.run(
        [sys.executable, "-m", "opsctl", *arguments],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout_seconds,
        check=False,
    )
    return Outcome(
        exit_code=process.returncode,
        stdout=_normalised(process.stdout, folder),
        stderr=_normalised(process.stderr, folder),
    )


def _normalised(text: str, folder: Path) -> str:
    return re.sub(r"/tmp/opsctl-bug-\w+", "/tmp/opsctl-bug-X", text.replace(str(folder), "FOLDER"))  # noqa: S108
