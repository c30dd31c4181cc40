"""The watchdog keeps the toxics of faults that hold, takes back those that do not, and outlives whatever fails meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fakes.ground_beginnings import begun_ground

from opsctl.chaos.registry import fault_named
from opsctl.cli import ground_watchdog
from opsctl.cli.ground_helpers import WATCHDOG
from opsctl.cli.ground_lines import GroundLines
from opsctl.cli.proving_ground import ProvingGround

FAULT = "vectors_slow"
TOXIC_SECONDS = 0.8
RENEW_SECONDS = 0.2


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[ProvingGround]:
    """Begin a ground whose toxics end soon, and whose own watchdog looks away meanwhile: the test is it."""
    with begun_ground(tmp_path / "ground") as begun:
        begun.lines = GroundLines(begun.helpers, toxic_seconds=TOXIC_SECONDS)
        watchdog = begun.helpers.pid_of(WATCHDOG)
        assert watchdog
        os.kill(watchdog, signal.SIGSTOP)
        try:
            yield begun
        finally:
            os.kill(watchdog, signal.SIGCONT)


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Return what tells whether the ground is still wanted: for so long."""
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


def make(ground: ProvingGround, *, lease_seconds: float) -> None:
    """Make a fault as a command does that is gone afterwards."""
    ground.leases.take(FAULT, seconds=lease_seconds)
    fault_named(FAULT).apply(ground)


@pytest.mark.slow
def test_a_toxic_that_nobody_else_renews_stays_as_long_as_its_lease(ground: ProvingGround) -> None:
    """A fault by hand of an hour would be over after ten minutes."""
    make(ground, lease_seconds=60)

    ground_watchdog.watch(ground, is_wanted=for_seconds(2.5 * TOXIC_SECONDS), renew_seconds=RENEW_SECONDS)

    assert set(ground.lines.toxics()) == {("vectors", "flt022")}
    assert ground.leases.holds(FAULT)


@pytest.mark.slow
def test_a_toxic_that_is_not_renewed_ends_by_itself(ground: ProvingGround) -> None:
    """So that none stays where the watchdog is gone, too."""
    make(ground, lease_seconds=60)

    ground_watchdog.watch(ground, is_wanted=for_seconds(2.5 * TOXIC_SECONDS), renew_seconds=60)

    assert ground.lines.toxics() == {}


def test_a_fault_that_outlives_its_lease_is_taken_back_and_renewed_no_more(ground: ProvingGround) -> None:
    """However often toxics are renewed meanwhile."""
    make(ground, lease_seconds=0.5)

    ground_watchdog.watch(ground, is_wanted=for_seconds(1.2), renew_seconds=RENEW_SECONDS)

    assert ground.lines.toxics() == {}
    assert ground.leases.all() == ()


@pytest.mark.slow
def test_lines_that_cannot_be_renewed_keep_no_other_fault_from_being_taken_back(
    ground: ProvingGround, capfd: pytest.CaptureFixture[str]
) -> None:
    """The renewal fails, which is said, and the leases are looked at all the same."""
    make(ground, lease_seconds=60)
    ground.leases.take("nothing", seconds=0.5)
    lines = ground.helpers.folder / "lines.json"
    whole = lines.read_text()
    lines.write_text("{")  # nobody knows any more where the proxy is

    ground_watchdog.watch(ground, is_wanted=for_seconds(1.2), renew_seconds=RENEW_SECONDS)

    lines.write_text(whole)
    assert "not done, toxics are renewed" in capfd.readouterr().err
    assert [lease.fault for lease in ground.leases.all()] == [FAULT]


@pytest.mark.slow
def test_a_watchdog_whose_log_is_full_takes_faults_back_all_the_same(ground: ProvingGround) -> None:
    """A full disk is a fault of its own, and no reason to leave another."""
    make(ground, lease_seconds=0.0)
    script = (
        "import sys, time; from pathlib import Path; from opsctl.cli import ground_watchdog; "
        "from opsctl.cli.proving_ground import ProvingGround; from opsctl.core.clock import SystemClock; "
        "until = time.monotonic() + 1; ground = ProvingGround(Path(sys.argv[1]), clock=SystemClock()); "
        "ground_watchdog.watch(ground, is_wanted=lambda: time.monotonic() < until)"
    )

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script, ground.root], stderr=full, check=False, timeout=60
        )

    assert ground.leases.all() == ()
    assert ground.lines.toxics() == {}
    assert done.returncode == 0
