"""A program that is run to its end, or ended after its limit, with its output in a file."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opsctl.clients.limited import LimitedRun, run_limited
from opsctl.core.errors import NotReadyError

HARD = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; print('deaf', flush=True); time.sleep(60)"
KIND = """
import signal, sys, time
def end(*_): print("undone", flush=True); sys.exit(0)
signal.signal(signal.SIGINT, end)
print("begun", flush=True)
time.sleep(60)
"""


def run(tmp_path: Path, program: str, *, limit_seconds: float = 30) -> LimitedRun:
    """Run a program of Python."""
    return run_limited(
        [sys.executable, "-c", program],
        folder=tmp_path,
        environment=os.environ,
        log_path=tmp_path / "logs" / "log",
        limit_seconds=limit_seconds,
        orderly_seconds=(0.5, 0.5),
    )


def test_its_exit_code_and_all_its_output_are_kept(tmp_path: Path):
    """Both outputs, in the order in which they came."""
    done = run(tmp_path, "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(5)")

    assert done.exit_code == 5
    assert (tmp_path / "logs" / "log").read_text() == "out\nerr\n"


def test_after_its_limit_it_is_asked_to_end_and_may_undo_what_it_began(tmp_path: Path):
    """As by Ctrl-C."""
    done = run(tmp_path, KIND, limit_seconds=1.0)

    assert done.exit_code is None
    assert (tmp_path / "logs" / "log").read_text() == "begun\nundone\n"


@pytest.mark.slow
def test_one_that_does_not_listen_is_killed(tmp_path: Path):
    """Nothing is left behind."""
    done = run(tmp_path, HARD, limit_seconds=1.0)

    assert (done.exit_code, done.seconds < 10) == (None, True)


def test_it_is_ended_with_us(tmp_path: Path):
    """Also where we are killed and can do nothing any more."""
    program = tmp_path / "outer.py"
    program.write_text(
        "import os, sys\nfrom pathlib import Path\nfrom opsctl.clients.limited import run_limited\n"
        "inner = 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'\n"
        f"run_limited([sys.executable, '-c', inner], folder=Path({str(tmp_path)!r}), environment=os.environ,"
        f" log_path=Path({str(tmp_path)!r}) / 'log', limit_seconds=60)\n"
    )
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, str(program)]) as outer:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (log.is_file() and log.read_text().endswith("\n")):
            time.sleep(0.02)
        inner = int(log.read_text())
        outer.send_signal(signal.SIGKILL)
    while time.monotonic() < deadline and Path(f"/proc/{inner}/cmdline").exists():
        if not Path(f"/proc/{inner}/cmdline").read_bytes():
            break  # dead, and not waited for by whoever took it over
        time.sleep(0.02)

    assert time.monotonic() < deadline


def test_what_cannot_be_started_is_told(tmp_path: Path):
    """By its name."""
    with pytest.raises(NotReadyError, match="cannot start `no-such-program`"):
        run_limited(
            ["no-such-program"],
            folder=tmp_path / "nowhere",
            environment=os.environ,
            log_path=tmp_path / "log",
            limit_seconds=1,
        )
