"""A long command ends when it is told to, from wherever it was started."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys, time
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests themselves may run under nohup
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
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_ends_a_command_from_outside_ends_it_in_order(started: str, number: signal.Signals) -> None:
    """Also one that cannot be reached by Ctrl-C; a terminal that is closed ends it, too."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, started], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    said, _ = process.communicate(timeout=20)
    assert said == "ended in order\n"


def test_what_was_started_with_nohup_outlives_its_terminal() -> None:
    """That is what it was started so for."""
    program = PROGRAM.replace(
        "signal.signal(signal.SIGINT, signal.SIG_IGN)", "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, "background"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.5)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=20)
    assert said == "ended in order\n"
