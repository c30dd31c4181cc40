"""Waiting for a key: on a real terminal, and without one."""

import subprocess
import sys

from tests.terminal import terminal

PROGRAM = """
import sys, termios, time
from opsctl.ui.keys import until_q
with until_q(otherwise=time.sleep) as wait:
    print(wait(0.2), flush=True)
    began = time.monotonic()
    print(wait(float(sys.argv[1])), time.monotonic() - began < 10, flush=True)
try:
    print("echo" if termios.tcgetattr(0)[3] & termios.ECHO else "silent", flush=True)
except termios.error:
    print("no terminal", flush=True)
"""


def at_a_terminal(keys, *, longest):
    """Run the program at a terminal, press keys after its first wait, and return what it said."""
    with terminal([sys.executable, "-c", PROGRAM, str(longest)]) as screen:
        screen.wait_for("True")
        screen.press(keys)

        assert screen.wait() == 0
    return screen.said.split()


def test_q_ends_the_wait_at_once_and_the_terminal_is_as_before():
    """A shell without echo would be what remains."""
    assert at_a_terminal("q", longest=60) == ["True", "False", "True", "echo"]


def test_other_keys_are_passed_over_and_not_shown():
    """A cat on the keyboard."""
    assert at_a_terminal("x\x1b[A", longest=0.5) == ["True", "True", "True", "echo"]


def test_without_a_terminal_only_time_ends_the_wait():
    """Nobody can press anything."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "0.1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["True", "True", "True", "no", "terminal"]
