"""Programs of others: ended by themselves or by a time limit, with their children, their output kept."""

import os
import sys
import time
from pathlib import Path

import pytest

from opsctl.clients.procfs import read_stat
from opsctl.clients.programs import run_program
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotReadyError
from opsctl.core.waiting import wait_until


def has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or only waits to be asked for its code; the kernel ends it in its own time."""
    stat = read_stat(pid)
    return stat is None or stat.state in "ZX"


def python(script: str) -> list[str]:
    """Return the arguments that run a script."""
    return [sys.executable, "-c", script]


def test_a_program_ends_with_its_code_and_what_it_said(tmp_path: Path) -> None:
    """A bad code is no error of ours, and what is no text is replaced."""
    script = (
        "import os, sys; sys.stdout.buffer.write(b'a\\xff'); print(os.getcwd(), file=sys.stderr); sys.exit(3)"
    )

    done = run_program(python(script), seconds=30, folder=tmp_path, environment=os.environ)

    assert (done.code, done.stdout, done.stderr.strip()) == (3, "a\ufffd", str(tmp_path))


def test_what_a_program_says_can_be_kept_in_the_order_of_saying_it(tmp_path: Path) -> None:
    """Output and errors in one text, without a terminal's colours where that is asked for, in our own environment."""
    script = (
        "import os, sys\n"
        "for word, stream in (('one', sys.stdout), ('\\x1b[31mtwo\\x1b[0m', sys.stderr), ('three', sys.stdout)):\n"
        "    print(word, file=stream, flush=True)\n"
        "print(os.environ['PATH'])\n"
    )

    done = run_program(python(script), seconds=30, folder=tmp_path, joins_outputs=True)

    assert done.plain_stdout.splitlines() == ["one", "two", "three", os.environ["PATH"]]
    assert ("\x1b[31m" in done.stdout, done.stderr) == (True, "")


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With the name of it."""
    with pytest.raises(NotReadyError, match="no-such-program") as caught:
        run_program(["no-such-program"], seconds=1, folder=tmp_path, environment={})

    assert caught.value.code == "PRC001"


def test_a_time_limit_ends_a_program_with_its_children(tmp_path: Path) -> None:
    """Also a child that holds the pipes open and does not hear of its parent's end."""
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('pid', 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )
    began = time.monotonic()

    with pytest.raises(NotReadyError, match="not done after 1 s") as caught:
        run_program(python(script), seconds=1, folder=tmp_path, environment=os.environ)

    assert caught.value.code == "PRC004"
    assert time.monotonic() - began < 20
    child = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: has_ended(child), clock=SystemClock(), seconds=10, poll_seconds=0.02)
