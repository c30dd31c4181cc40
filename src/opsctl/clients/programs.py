"""How does a program of somebody else end: run without a shell, to its end or to a time limit, its output kept."""

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsctl.core.errors import NotReadyError

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramEnd:
    """How a program ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def plain_stdout(self) -> str:
        """Return what it printed, without a terminal's colours."""
        return _COLOUR.sub("", self.stdout)


def run_program(
    argv: Sequence[str],
    *,
    seconds: float,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    joins_outputs: bool = False,
) -> ProgramEnd:
    """Run a program and return how it ended, whatever its code; what is no text of its output is replaced.

    It runs in a session of its own, so that a time limit ends its children, too.

    Args:
        argv: the program and its arguments.
        seconds: after which it is ended.
        folder: in which it is run.
        environment: the whole of it; our own where there is none.
        joins_outputs: its errors stand in `stdout`, where they were said.

    Raises:
        NotReadyError: PRC001 it cannot be started, PRC004 it was not done in time.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if joins_outputs else subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise NotReadyError(
            f"cannot start `{argv[0]}`", code="PRC001", why=error.strerror, fix="run `opsctl doctor`"
        ) from error
    with process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            _end_all(process)
            raise NotReadyError(
                f"`{Path(argv[0]).name}` was not done after {seconds:g} s",
                code="PRC004",
                fix="look whether it can reach what it needs, and run the command again",
            ) from error
        except BaseException:
            _end_all(process)
            raise
    return ProgramEnd(code=process.returncode, stdout=stdout, stderr=stderr or "")


def _end_all(process: "subprocess.Popen[str]") -> None:
    """End a program that is not done, and its children: they are a session of their own that it leads."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
