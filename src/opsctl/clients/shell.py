"""What does bash say: whether a text is a script, and how a script ends while its output is heard."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from opsctl.clients.limited import end_in_order
from opsctl.core.errors import NotReadyError

_SYNTAX_SECONDS = 10.0
_PIECE_BYTES = 1 << 16
_STANDARD_ERROR = 2
_STRICT = ("bash", "-euo", "pipefail", "-c")


def syntax_problem(text: str) -> str | None:
    """Return why a text is no script of bash; None where it is one. Nothing is run.

    Raises:
        NotReadyError: PRC001 there is no bash.
    """
    try:
        done = subprocess.run(
            ["bash", "-n"],
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SYNTAX_SECONDS,
            check=False,
        )
    except OSError as error:
        raise _no_bash(error) from error
    except subprocess.TimeoutExpired:
        return f"bash did not read it within {_SYNTAX_SECONDS:.0f} s"
    said = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (said[0].removeprefix("bash: ") if said else "bash refuses it")


def run_script(
    text: str, *, folder: Path, environment: Mapping[str, str], heard: Callable[[str], None] | None = None
) -> int:
    """Run a script to its end and return its exit code; it stops at the first command that fails.

    When we are interrupted, all that it runs is asked to end as by Ctrl-C, then by SIGTERM, and killed then.

    Args:
        text: of the script; it gets no input.
        folder: in which it is run.
        environment: the whole of it.
        heard: gets each line of its output and errors as it comes; without it both go where ours go.

    Raises:
        NotReadyError: PRC001 there is no bash.
    """
    # On a terminal it stays there: `sudo` asks for its password, and Ctrl-C reaches all of it without us.
    is_apart = not os.isatty(_STANDARD_ERROR)
    process = _start(
        text, folder=folder, environment=environment, is_heard=heard is not None, is_apart=is_apart
    )
    with process:
        try:
            for line in process.stdout or ():
                if heard is not None:
                    heard(line)
            return process.wait()
        except BaseException:
            _end(process, is_apart=is_apart)
            raise


def _start(
    text: str, *, folder: Path, environment: Mapping[str, str], is_heard: bool, is_apart: bool
) -> "subprocess.Popen[str]":
    try:
        return subprocess.Popen(
            [*_STRICT, text],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if is_heard else None,
            stderr=subprocess.STDOUT if is_heard else None,
            text=True,
            errors="replace",
            start_new_session=is_apart,
        )
    except OSError as error:
        raise _no_bash(error) from error


def _end(process: "subprocess.Popen[str]", *, is_apart: bool) -> None:
    """End a script and what it runs."""
    if process.stdout is not None:
        # What is said while it ends would fill the pipe, and then nothing would end.
        rest = os.dup(process.stdout.fileno())
        threading.Thread(target=_swallow, args=(rest,), daemon=True).start()
    if not is_apart:
        end_in_order(process)
        return

    def tell_all(number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    end_in_order(process, send=tell_all)
    tell_all(signal.SIGTERM)  # what it left in the background, which bash lets ignore Ctrl-C


def _swallow(descriptor: int) -> None:
    with open(descriptor, "rb", buffering=0) as rest:
        while rest.read(_PIECE_BYTES):
            pass


def _no_bash(error: OSError) -> NotReadyError:
    return NotReadyError(
        "`bash` cannot be run", code="PRC001", why=error.strerror, fix="install it: apt-get install bash"
    )
