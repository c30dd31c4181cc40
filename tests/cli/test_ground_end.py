"""Whatever fails while a ground is given back, the rest of it is given back all the same, and what is left is named."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.command import run_opsctl
from tests.fakes.ground_beginnings import begun_ground, place_part
from tests.fakes.ground_cache import held, hold
from tests.fakes.ground_watcher import AnsweringWatcher, answering_watcher

from opsctl.cli import ground_watchdog
from opsctl.cli.ground_residue import residue
from opsctl.cli.proving_ground import ProvingGround
from opsctl.clients.processes import is_alive, read_record
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, NotReadyError, OpsError
from opsctl.stack.model import PartName
from opsctl.stack.record import runs
from opsctl.stack.watch_files import alertmanager_file


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[ProvingGround]:
    """Begin a ground."""
    with begun_ground(tmp_path / "ground") as begun:
        yield begun


@pytest.fixture
def watcher(ground: ProvingGround) -> Iterator[AnsweringWatcher]:
    """Let the ground have an Alertmanager."""
    with answering_watcher() as answering:
        place_part(ground, PartName.ALERTMANAGER, port=answering.port)
        path = alertmanager_file(ground.home)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("as it was\n")
        yield answering


@pytest.mark.slow
def test_a_helper_that_cannot_be_ended_keeps_nothing_else_from_being_ended(ground: ProvingGround) -> None:
    """Neither the other helpers, nor the stack, nor the watchdog."""
    place_part(ground, PartName.SERVICE)
    damaged = ground.helpers.folder / "a_damaged_one.pid"
    damaged.write_text("no JSON")

    with pytest.raises(OpsError):
        ground.end()

    damaged.unlink()
    assert ground.helpers.living() == ()
    assert not runs(ground.home, PartName.SERVICE)


@pytest.mark.slow
def test_a_restore_that_is_put_together_beside_the_stack_ends_with_the_ground(ground: ProvingGround) -> None:
    """Its servers would go on for ever where the command that restores was killed."""
    beside = ground.home / "restore-20261130T120000Z"
    place_part(ground, PartName.POSTGRES, home=beside)

    ground.end()

    assert not runs(beside, PartName.POSTGRES)


@pytest.mark.slow
def test_a_part_of_the_stack_is_no_command_that_is_to_be_ended(ground: ProvingGround) -> None:
    """Not even one that hears no SIGTERM, because it is stopped."""
    place_part(ground, PartName.SERVICE, words=("--project", str(ground.root)))
    place_part(ground, PartName.EXPORTER, words=("--project", str(ground.root)))
    ground.pause("service")
    command = ground.helpers.folder / "command.pid"
    ground.helpers.start("command", *sleeping_command(ground))
    record = read_record(command)
    assert record is not None

    ground_watchdog.end_commands(ground)

    ground.resume("service")
    assert not is_alive(record)
    assert runs(ground.home, PartName.SERVICE)
    assert runs(ground.home, PartName.EXPORTER)


@pytest.mark.slow
def test_a_command_that_is_stopped_is_killed_and_harms_nobody_who_waits(ground: ProvingGround) -> None:
    """It may be what the runner was just having done."""
    ground.helpers.start("command", *sleeping_command(ground))
    record = read_record(ground.helpers.folder / "command.pid")
    assert record is not None
    signal_process(record.pid, signal.SIGSTOP)

    ground_watchdog.end_commands(ground)

    assert not is_alive(record)


def test_a_command_that_takes_too_long_is_an_error_of_opsctl(ground: ProvingGround) -> None:
    """And is ended."""
    ground.command_seconds = 0.05

    with pytest.raises(NotReadyError) as caught:
        ground.opsctl("version")

    assert caught.value.code == "ALR091"
    assert "not done after 0.05 s" in str(caught.value.why)


@pytest.mark.slow
def test_a_configuration_that_is_given_back_but_not_read_again_is_residue(
    ground: ProvingGround, watcher: AnsweringWatcher
) -> None:
    """The watcher would go on with the broken one."""
    ground.edit("alertmanager", lambda text: text + "broken\n")
    watcher.reload_status = 500

    with pytest.raises(FailedError):
        ground.unedit("alertmanager")

    assert any("changed file" in each for each in residue(ground))
    assert watcher.reloads > 2
    watcher.reload_status = 200
    ground.unedit("alertmanager")
    assert alertmanager_file(ground.home).read_text() == "as it was\n"
    assert not any("changed file" in each for each in residue(ground))


@pytest.mark.slow
def test_a_configuration_of_a_watcher_that_does_not_run_is_given_back_without_it(
    ground: ProvingGround, watcher: AnsweringWatcher
) -> None:
    """It reads it when it starts."""
    ground.edit("alertmanager", lambda text: text + "broken\n")
    watcher.reload_status = 500
    ground.kill("alertmanager")

    ground.unedit("alertmanager")

    assert alertmanager_file(ground.home).read_text() == "as it was\n"


@pytest.mark.slow
def test_parts_that_are_down_and_silences_are_residue(
    ground: ProvingGround, watcher: AnsweringWatcher
) -> None:
    """But for silences that are over, and for those within which a control drill is held."""
    place_part(ground, PartName.SERVICE)
    watcher.silences = [
        {"id": number, "createdBy": by, "status": {"state": state}}
        for number, by, state in (
            ("1", "me", "active"),
            ("2", "me", "expired"),
            ("3", "opsctl chaos", "active"),
        )
    ]
    assert "service is down" not in residue(ground)

    ground.kill("service")

    assert "service is down" in residue(ground)
    assert [each for each in residue(ground) if "silence" in each] == ["silence 1 by me"]


def test_what_was_put_into_the_shared_cache_is_removed_by_any_process(ground: ProvingGround) -> None:
    """Entries stay for ten minutes, and poison would be found by the drills after this one."""
    hold(ground.root, {1: b"one", 2: b"two"})
    ground.poison_shared_cache()
    assert held(ground.root, 1) not in (None, b"one")

    ProvingGround(ground.root, clock=SystemClock()).cleanse_shared_cache()

    assert (held(ground.root, 1), held(ground.root, 2)) == (None, None)
    ground.cleanse_shared_cache()


def test_faults_that_would_do_nothing_by_hand_are_refused_with_the_way_that_works(tmp_path: Path) -> None:
    """And an export says that they are left out."""
    refused = run_opsctl("chaos", "fault", "apply", "overload", folder=tmp_path)
    exported = run_opsctl("chaos", "export", "overload", folder=tmp_path)

    assert refused.exit_code == 3
    assert "CHA065" in refused.stderr
    assert "its readers" in refused.stderr
    assert "opsctl chaos run" in refused.stderr
    assert "CHA065" in exported.stderr


def sleeping_command(ground: ProvingGround) -> tuple[str, ...]:
    """Return the words of a command on the ground that does not end by itself."""
    return (sys.executable, "-c", "import time; time.sleep(300)", "--project", str(ground.root))


def signal_process(pid: int | None, number: signal.Signals) -> None:
    """Send a signal to one process."""
    assert pid
    os.kill(pid, number)
