"""Whoever holds a drill is killed at a random moment, and nothing of the fault is left."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

RUNNER = Path(__file__).with_name("runner_to_kill.py")
# A lease of five seconds, an undo of some tries, processes that are asked before they are killed.
LONGEST_SECONDS = 30.0


def left(root: Path) -> list[str]:
    """Return what of a ground is still there: processes, and leases."""
    found = [str(path) for path in (root / ".opsctl" / "chaos" / "leases").glob("*.lease")]
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        if str(root) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(f"{process.pid} {words}")
    return found


def kill_one(root: Path, *faults: str, seed: int) -> list[str]:
    """Start a runner, kill it at a random moment, or as soon as a fault is there, and return what is left after a while."""
    root.mkdir(parents=True)
    chance = random.Random(seed)
    runner = subprocess.Popen(
        [sys.executable, RUNNER, root, str(seed), *faults],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert runner.stdout is not None
    assert runner.stdout.readline() == "watched\n"
    if faults:
        assert (runner.stdout.readline(), runner.stdout.readline()) == ("ready\n", f"{faults[0]}\n")
    else:
        time.sleep(chance.random() * 2.5)
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait(timeout=10)
    runner.stdout.close()
    deadline = time.monotonic() + LONGEST_SECONDS
    while remains := left(root):
        if time.monotonic() > deadline:
            return remains
        time.sleep(0.1)
    return []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_runner_that_is_killed_leaves_nothing_behind(tmp_path: Path, seed: int) -> None:
    """Be it while a fault is made, while it is there, or while it is undone."""
    assert kill_one(tmp_path / f"ground{seed}", seed=seed) == []


def test_a_runner_that_is_killed_while_its_service_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    """A stopped process hears no SIGTERM, and whoever waits for its end must not give up the rest."""
    assert kill_one(tmp_path / "ground", "service_paused", seed=0) == []


@pytest.mark.drill
def test_two_hundred_runners_are_killed_and_two_hundred_leave_nothing_behind(tmp_path: Path) -> None:
    """Each at another moment; what is left names the seed that left it."""
    failures = {
        seed: remains
        for seed in range(1000, 1200)
        if (remains := kill_one(tmp_path / f"ground{seed}", seed=seed))
    }
    assert failures == {}
