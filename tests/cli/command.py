"""Run a whole command and return what a person or a CI job would see of it."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

_ROOT = Path(__file__).parents[2]
# What Python, the C library, rich and Typer read when they are loaded, and never again.
_READ_AT_THE_START = (
    "PYTHON",
    "LC_",
    "LANG",
    "TZ",
    "FORCE_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
    "TERM",
    "LD_",
    "_TYPER",
)


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
    exit_code, stdout, stderr = run_as_it_is(
        *arguments, folder=folder, environment=_clean(folder, environment), timeout_seconds=timeout_seconds
    )
    return Outcome(
        exit_code=exit_code, stdout=_normalised(stdout, folder), stderr=_normalised(stderr, folder)
    )


def run_in(
    process: "WarmProcess",
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str],
    timeout_seconds: float,
) -> Outcome:
    """Run `opsctl` as `run_opsctl` does, as a fork of a process that sees other packages than we do."""
    exit_code, stdout, stderr = _run_warm(
        arguments, folder, _clean(folder, environment), timeout_seconds, process=process
    )
    return Outcome(
        exit_code=exit_code, stdout=_normalised(stdout, folder), stderr=_normalised(stderr, folder)
    )


def _clean(folder: Path, environment: Mapping[str, str] | None) -> dict[str, str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COLUMNS", "OPSCTL_", "XDG_"))
    }
    return clean | {"NO_COLOR": "1", "HOME": str(folder)} | dict(environment or {})


def run_as_it_is(
    *arguments: str, folder: Path, environment: Mapping[str, str], timeout_seconds: float
) -> tuple[int, str, str]:
    """Run `opsctl` in a folder with exactly this environment; return its exit code, its stdout and its stderr."""
    run = _run_warm if _is_like_ours(environment) else _run_cold
    return run(arguments, folder, environment, timeout_seconds)


def _is_like_ours(environment: Mapping[str, str]) -> bool:
    """Tell whether an interpreter with this environment starts as ours did: only what is read later may differ."""
    return all(
        environment.get(name) == os.environ.get(name)
        for name in environment.keys() | os.environ.keys()
        if name.startswith(_READ_AT_THE_START)
    )


def _run_cold(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], timeout_seconds: float
) -> tuple[int, str, str]:
    process = subprocess.run(
        [sys.executable, "-m", "opsctl", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout_seconds,
        check=False,
    )
    return process.returncode, process.stdout, process.stderr


def _run_warm(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    timeout_seconds: float,
    *,
    process: "WarmProcess | None" = None,
) -> tuple[int, str, str]:
    with NamedTemporaryFile() as stdout, NamedTemporaryFile() as stderr:
        request = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "stdout": stdout.name,
            "stderr": stderr.name,
        }
        warm = process or _idle_process()
        code = warm.run(request, timeout_seconds=timeout_seconds)
        if (
            process is None
        ):  # one that failed may owe an answer, which the next command would take for its own
            _IDLE.append(warm)
        return code, Path(stdout.name).read_bytes().decode(), Path(stderr.name).read_bytes().decode()


class WarmProcess:
    """Our side of `warm_process`; it ends when its stdin is closed, so with us."""

    def __init__(self, *, before_on_path: Sequence[Path] = ()) -> None:
        path = ":".join(map(str, (*before_on_path, _ROOT, _ROOT / "src")))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cli.warm_process", *([] if before_on_path else ["--all"])],
            cwd=_ROOT,
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def run(self, request: dict[str, Any], *, timeout_seconds: float) -> int:
        """Run one command to its end and return its exit code.

        Raises:
            TimeoutExpired: it did not end in time; its process was killed.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        child = self._answer(timeout_seconds)
        try:
            return self._answer(timeout_seconds)
        except subprocess.TimeoutExpired:
            os.kill(child, signal.SIGKILL)
            self._answer(timeout_seconds)
            raise

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _answer(self, timeout_seconds: float) -> int:
        answers = self._process.stdout
        assert answers is not None
        if not select.select([answers], [], [], timeout_seconds)[0]:
            raise subprocess.TimeoutExpired("opsctl", timeout_seconds)
        return int(answers.readline())


# Several threads may run commands at the same time: each takes a process for itself, and gives it back.
_IDLE: list[WarmProcess] = []


def _idle_process() -> WarmProcess:
    try:
        return _IDLE.pop()
    except IndexError:
        return WarmProcess()


def _normalised(text: str, folder: Path) -> str:
    return re.sub(r"/tmp/opsctl-bug-\w+", "/tmp/opsctl-bug-X", text.replace(str(folder), "FOLDER"))  # noqa: S108
