"""How does a benchmark run in a process of its own, end at its limit, and leave no process behind?"""

import ctypes
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_LOOK_SECONDS = 0.2
GRACE_SECONDS = 30.0
"""For its own clean-up: a stack that is stopped, a folder that is removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a benchmark ended."""

    seconds: float
    failure: str
    left_behind: int


def adopt_orphans() -> None:
    """Become the parent of whatever a benchmark leaves behind: detached processes would be nobody's otherwise."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def supervise(
    words: Sequence[str],
    *,
    root: Path,
    output: Path,
    limit_seconds: float,
    environment: Mapping[str, str],
) -> Ended:
    """Run a command with its output in a file, for so long at the most."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="opsctl-b-") as folder, output.open("wb") as stream:
        Path(folder).chmod(0o755)  # a database that runs as another user has to get in
        process = subprocess.Popen(
            words,
            cwd=root,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": folder, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            in_time = _wait(process, seconds=limit_seconds)
        finally:
            _end(process)
            left_behind = _end_orphans()
    return Ended(
        seconds=time.monotonic() - began,
        failure=_failure(process.returncode, in_time=in_time, limit_seconds=limit_seconds),
        left_behind=left_behind,
    )


def _failure(code: int, *, in_time: bool, limit_seconds: float) -> str:
    if not in_time:
        return f"ended at its limit of {limit_seconds:.0f} s"
    return "" if code == 0 else f"ended with code {code}" if code > 0 else f"ended by signal {-code}"


def _wait(process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    """Return whether it ended by itself; orphans that end meanwhile are not kept as zombies, which others would wait for."""
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            return False
        _bury_orphan(process.pid)
        time.sleep(_LOOK_SECONDS)
    return True


def _bury_orphan(own: int) -> None:
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return
    if found is not None and found.si_pid != own:
        os.waitpid(found.si_pid, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it as Ctrl-C does, and kill its group where it does not end in time."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    if not _wait(process, seconds=GRACE_SECONDS):
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _end_orphans() -> int:
    """End what is left behind, each process by its id, and return how many there were."""
    left = [each for each in psutil.Process().children(recursive=True) if _is_at_work(each)]
    for each in left:
        _signal(each, signal.SIGTERM)
    _, living = psutil.wait_procs(left, timeout=10)
    for each in living:
        _signal(each, signal.SIGKILL)
    psutil.wait_procs(living, timeout=10)
    return len(left)


def _is_at_work(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
