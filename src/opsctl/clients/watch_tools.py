"""What do promtool and amtool say: the watchers' own programs, run over files in a folder of ours."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsctl.core.errors import NotReadyError

INSTALL = "apt-get install prometheus prometheus-alertmanager"
_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolAnswer:
    """How a run ended: whether all was well, and all that was printed."""

    is_good: bool
    text: str


def missing_tools() -> tuple[str, ...]:
    """Return the names of those programs that this machine does not have."""
    return tuple(name for name in ("promtool", "amtool") if shutil.which(name) is None)


def promtool(*words: str, folder: Path) -> ToolAnswer:
    """Run promtool in a folder."""
    return _run("promtool", words, folder)


def amtool(*words: str, folder: Path) -> ToolAnswer:
    """Run amtool in a folder."""
    return _run("amtool", words, folder)


def promtool_version() -> str:
    """Return the version of promtool, such as `2.42.0`."""
    found = re.search(r"version (?P<version>[\d.]+)", _run("promtool", ("--version",), Path()).text)
    return found["version"] if found else "unknown"


def _run(program: str, words: Sequence[str], folder: Path) -> ToolAnswer:
    try:
        done = subprocess.run(
            [program, *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        raise NotReadyError(
            f"`{program}` cannot be run", code="TOL001", why=error.strerror, fix=f"install it: {INSTALL}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise NotReadyError(
            f"`{program}` did not come to its end within {_SECONDS:g} s",
            code="TOL001",
            fix="test fewer rules at once: opsctl alerts test NAME",
        ) from error
    return ToolAnswer(is_good=done.returncode == 0, text=done.stdout)
