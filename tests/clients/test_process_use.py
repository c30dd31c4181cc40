"""What a process and its children use of the CPU only grows, also when children end."""

import os
import subprocess
import sys

from opsctl.clients.process_use import use_of_family

WORK = "import time\nwhile time.process_time() < 0.2: pass"


def cpu_seconds() -> float:
    """Return what this process and all its children have used."""
    use = use_of_family(os.getpid())
    assert use is not None
    return use.cpu_seconds


def test_what_a_child_used_stays_when_it_has_ended():
    """A server that lets an idle process go has not worked backwards."""
    before = cpu_seconds()
    child = subprocess.Popen(
        [sys.executable, "-c", f"{WORK}\nprint('done', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()
    living = cpu_seconds()
    child.communicate(b"\n")

    assert before + 0.15 < living <= cpu_seconds() + 0.01  # the kernel counts in hundredths


def test_nobody_uses_nothing():
    """A process that is not there has no use, not one of zero."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    assert use_of_family(ended.pid) is None
