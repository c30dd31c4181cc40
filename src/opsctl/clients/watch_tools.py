"""What do promtool and amtool say: the watchers' own programs, run over files in a folder of ours."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsctl.clients.programs import run_program

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
    """Run promtool in a folder.

    Raises:
        NotReadyError: PRC001 it cannot be started, PRC004 it does not end.
    """
    return _run("promtool", words, folder)


def amtool(*words: str, folder: Path) -> ToolAnswer:
    """Run amtool in a folder; errors as of `promtool`."""
    return _run("amtool", words, folder)


def tool_version(program: str) -> str:
    """Return the version of promtool or amtool, such as `2.42.0`."""
    found = re.search(r"version (?P<version>[\d.]+)", _run(program, ("--version",), Path()).text)
    return found["version"] if found else "unknown"


def _run(program: str, words: Sequence[str], folder: Path) -> ToolAnswer:
    done = run_program([program, *words], seconds=_SECONDS, folder=folder, joins_outputs=True)
    return ToolAnswer(is_good=done.code == 0, text=done.stdout)
