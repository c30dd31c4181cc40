"""A fault that vanished, that never hit anything, or that nobody would take back is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.fakes.ground_beginnings import begun_ground, connect_to_line

from opsctl.chaos.expectations import Load
from opsctl.chaos.traffic import Rates
from opsctl.cli.chaos_world import GroundWorld
from opsctl.cli.ground_helpers import WATCHDOG
from opsctl.cli.ground_lines import GroundLines
from opsctl.cli.ground_residue import residue
from opsctl.cli.proving_ground import ProvingGround
from opsctl.core.errors import NotReadyError

LEASE_SECONDS = 30.0


class SilentTraffic:
    """Readers who ask nothing, and remember how they were to ask."""

    def __init__(self) -> None:
        self.rates = Rates()

    def change(self, rates: Rates) -> None:
        """Remember it."""
        self.rates = replace(rates)

    def take_lag_seconds(self) -> float:
        """Return that they are never late."""
        return 0.0


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[ProvingGround]:
    """Begin a ground."""
    with begun_ground(tmp_path / "ground") as begun:
        yield begun


@pytest.fixture
def world(ground: ProvingGround) -> GroundWorld:
    """Return it as a drill sees it."""
    return GroundWorld(ground, watchers=cast("Any", None), always=frozenset())


def kill_helper(ground: ProvingGround, name: str) -> None:
    """End a helper as the kernel would for want of memory."""
    pid = ground.helpers.pid_of(name)
    assert pid
    os.kill(pid, signal.SIGKILL)
    while name in ground.helpers.living():
        time.sleep(0.01)


@pytest.mark.slow
def test_a_fault_that_is_there_is_not_lost(world: GroundWorld) -> None:
    """Neither a toxic nor a burden."""
    world.apply("vectors_slow", {}, lease_seconds=LEASE_SECONDS)
    world.apply("cpu_taken", {}, lease_seconds=LEASE_SECONDS)

    assert world.lost_leases() == ()


def test_a_fault_whose_toxic_is_gone_is_lost_although_its_lease_holds(
    ground: ProvingGround, world: GroundWorld
) -> None:
    """A proxy knows when a toxic ends, and the lease does not."""
    world.apply("vectors_slow", {}, lease_seconds=LEASE_SECONDS)
    ground.calm("vectors", by="FLT022")

    assert world.lost_leases() == ("vectors_slow",)


@pytest.mark.slow
def test_a_fault_whose_burden_is_gone_is_lost_although_its_lease_holds(
    ground: ProvingGround, world: GroundWorld
) -> None:
    """As when the kernel ends it for want of memory."""
    world.apply("cpu_taken", {}, lease_seconds=LEASE_SECONDS)
    kill_helper(ground, "burden_cpu")

    assert world.lost_leases() == ("cpu_taken",)


@pytest.mark.slow
def test_a_toxic_is_renewed_with_the_lease(ground: ProvingGround, world: GroundWorld) -> None:
    """Else a fault of a quarter of an hour would be over after ten minutes."""
    ground.lines = GroundLines(ground.helpers, toxic_seconds=0.8)
    world.apply("vectors_slow", {}, lease_seconds=LEASE_SECONDS)
    for _ in range(5):
        time.sleep(0.3)
        world.renew("vectors_slow", lease_seconds=LEASE_SECONDS)

    assert world.lost_leases() == ()


def test_a_fault_that_nobody_met_is_unfelt_also_after_its_undo(world: GroundWorld) -> None:
    """Until the next drill begins with its load."""
    world.apply("vectors_silent", {}, lease_seconds=LEASE_SECONDS)
    assert world.unfelt() == ("vectors_silent",)
    world.undo("vectors_silent")
    assert world.unfelt() == ("vectors_silent",)

    world.change_load(Load())

    assert world.unfelt() == ()


@pytest.mark.slow
def test_a_fault_that_somebody_met_is_felt_also_after_its_undo(
    ground: ProvingGround, world: GroundWorld
) -> None:
    """Its hits are looked up before it is calmed."""
    world.apply("vectors_silent", {}, lease_seconds=LEASE_SECONDS)
    with connect_to_line(ground):
        time.sleep(0.1)
        world.undo("vectors_silent")

    assert world.unfelt() == ()


@pytest.mark.slow
def test_faults_without_a_line_and_lines_that_refuse_everybody_are_never_unfelt(world: GroundWorld) -> None:
    """Nobody counts whom the kernel refuses."""
    world.apply("cpu_taken", {}, lease_seconds=LEASE_SECONDS)
    world.apply("vectors_refused", {}, lease_seconds=LEASE_SECONDS)

    assert world.unfelt() == ()


def test_two_faults_on_one_line_are_there_together_and_go_one_by_one(
    ground: ProvingGround, world: GroundWorld
) -> None:
    """Each has a toxic of its own."""
    world.apply("vectors_slow", {}, lease_seconds=LEASE_SECONDS)
    world.apply("vectors_failing", {}, lease_seconds=LEASE_SECONDS)
    assert set(ground.lines.toxics()) == {("vectors", "flt022"), ("vectors", "flt033")}

    world.undo("vectors_slow")

    assert set(ground.lines.toxics()) == {("vectors", "flt033")}
    assert world.lost_leases() == ()


def test_without_a_watchdog_no_fault_is_made_and_residue_says_so(
    ground: ProvingGround, world: GroundWorld
) -> None:
    """Nobody would take it back."""
    kill_helper(ground, WATCHDOG)

    with pytest.raises(NotReadyError) as caught:
        world.apply("vectors_slow", {}, lease_seconds=LEASE_SECONDS)

    assert caught.value.code == "CHA061"
    assert ground.lines.toxics() == {}
    assert ground.leases.all() == ()
    assert any("watchdog is gone" in each for each in residue(ground))


@pytest.mark.slow
def test_readers_repeat_after_a_storm_as_often_as_the_drill_wants(
    ground: ProvingGround, world: GroundWorld
) -> None:
    """Not never."""
    traffic = SilentTraffic()
    ground.traffic = cast("Any", traffic)
    world.change_load(Load(retries=2))
    world.apply("retry_storm", {}, lease_seconds=LEASE_SECONDS)
    assert traffic.rates.retries == 3

    world.undo("retry_storm")

    assert traffic.rates.retries == 2


@pytest.mark.slow
def test_a_burden_outlives_the_command_that_made_it(ground: ProvingGround) -> None:
    """It follows the watchdog, which ends it with its lease."""
    script = (
        "import sys; from pathlib import Path; from opsctl.cli.proving_ground import ProvingGround; "
        "from opsctl.core.clock import SystemClock; "
        "ProvingGround(Path(sys.argv[1]), clock=SystemClock()).burden('cpu', amount=1)"
    )
    subprocess.run([sys.executable, "-c", script, ground.root], check=True, timeout=60)
    time.sleep(0.6)

    assert "burden_cpu" in ground.helpers.living()


@pytest.mark.slow
def test_memory_is_really_taken_when_the_fault_is_made(ground: ProvingGround) -> None:
    """Every page of it."""
    ground.burden("memory", amount=64)

    assert ground.helpers.weighs("burden_memory", "memory", amount=64)
    assert not ground.helpers.weighs("burden_memory", "memory", amount=1024)
