"""What does bash say: whether a text is a script, and how a script ends while its output is heard."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from opsctl.core.errors import NotReadyError

_SYNTAX_SECONDS = 10.0
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

    Args:
        text: of the script; it gets no input.
        folder: in which it is run.
        environment: the whole of it.
        heard: gets each line of its output and errors as it comes; without it both go where ours go.

    Raises:
        NotReadyError: PRC001 there is no bash.
    """
    pipe = None if heard is None else subprocess.PIPE
    try:
        process = subprocess.Popen(
            [*_STRICT, text],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=None if heard is None else subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise _no_bash(error) from error
    with process:
        try:
            for line in process.stdout or ():
                if heard is not None:
                    heard(line)
            return process.wait()
        except BaseException:
            process.kill()
            raise


def _no_bash(error: OSError) -> NotReadyError:
    return NotReadyError(
        "`bash` cannot be run", code="PRC001", why=error.strerror, fix="install it: apt-get install bash"
    )
