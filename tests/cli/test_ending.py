"""A long command ends when it is told to, from wherever it was started."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys, time
if sys.argv[1] == "background":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what it starts with `&`
from opsctl.cli.ending import ends_as_by_ctrl_c
try:
    with ends_as_by_ctrl_c():
        print("ready", flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    print("ended in order", flush=True)
"""


@pytest.mark.parametrize("started", ["foreground", "background"])
def test_sigterm_ends_a_command_in_order(started: str) -> None:
    """Also one that cannot be reached by Ctrl-C."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, started], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=20)
    assert said == "ended in order\n"
