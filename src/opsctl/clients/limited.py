"""How is a program run to its end with its output in a file, ended in good order after a limit, and never left behind?"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.clients.files import file_error
from opsctl.core.errors import NotReadyError

# What the program needs to undo what it began: drills take faults back, loads write what was measured so far.
_ORDERLY_SECONDS = (60.0, 15.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedRun:
    """How a program ended: its exit code, negative for a signal; none where it was ended after its limit."""

    exit_code: int | None
    seconds: float


def run_limited(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log_path: Path,
    limit_seconds: float,
    orderly_seconds: tuple[float, float] = _ORDERLY_SECONDS,
) -> LimitedRun:
    """Run a program in a session of its own; it gets no input, and both its outputs go to the end of a file.

    After the limit, and when we are interrupted, it is asked to end as by Ctrl-C, then by SIGTERM, and then killed with all
    that is left of its session. Where `setpriv` is installed the kernel ends it when we are killed ourselves.

    Raises:
        NotReadyError: PRC001 it cannot be started, FIL001, FIL003 its output cannot be written.
    """
    began = time.monotonic()
    try:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("ab") as log:
            process = _start(argv, folder=folder, environment=environment, log=log.fileno())
    except OSError as error:
        raise file_error(error, path=log_path, doing="write") from error
    try:
        code: int | None = process.wait(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        end_in_order(process, orderly_seconds=orderly_seconds)
        code = None
    except BaseException:
        end_in_order(process, orderly_seconds=orderly_seconds)
        raise
    return LimitedRun(exit_code=code, seconds=time.monotonic() - began)


def _start(
    argv: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: int
) -> "subprocess.Popen[bytes]":
    guard = shutil.which("setpriv")
    words = [guard, "--pdeathsig", "TERM", "--", *argv] if guard else [*argv]
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise NotReadyError(
            f"cannot start `{argv[0]}`", code="PRC001", why=str(error), fix="run `opsctl doctor`"
        ) from error


def end_in_order(
    process: "subprocess.Popen[Any]",
    *,
    orderly_seconds: tuple[float, float] = _ORDERLY_SECONDS,
    send: Callable[[signal.Signals], None] | None = None,
) -> None:
    """Ask a program to end as by Ctrl-C, then by SIGTERM, and kill it then with all that is left of its session.

    Whoever is interrupted while it is waited for wants no order any more: it is killed at once.

    Args:
        process: the program.
        orderly_seconds: how long it has after each of both.
        send: signals it; the program alone where none is given.
    """
    try:
        for number, seconds in zip((signal.SIGINT, signal.SIGTERM), orderly_seconds, strict=True):
            (send or process.send_signal)(number)
            try:
                process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                continue
            return
    finally:
        if process.poll() is None:
            # The leader has not been waited for, so its id, which is that of the group, is nobody else's.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
