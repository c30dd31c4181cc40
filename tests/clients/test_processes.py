"""Processes outlive their starter, are known by pid and start time, and are ended with all their children."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsctl.clients import processes
from opsctl.clients.processes import Account, ProcessPlan, is_alive, measure, read_record, start, stop
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotReadyError

_CLOCK = SystemClock()
_SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
_STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
_PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
    "print(child.pid, flush=True); time.sleep(60)"
)


def _plan(folder: Path, code: str, *, account: Account | None = None) -> ProcessPlan:
    return ProcessPlan(
        argv=(sys.executable, "-c", code),
        cwd=folder,
        log_path=folder / "logs" / "it.log",
        pid_path=folder / "it.pid",
        environment={"OPSCTL_TEST_MARK": "here"},
        account=account,
    )


def _wait_for_line(path: Path) -> str:
    for _ in range(500):
        if path.is_file() and path.read_text().endswith("\n"):
            return path.read_text().strip()
        _CLOCK.sleep(0.02)
    raise AssertionError(f"nothing was written to {path}")


def _exists(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] not in "ZX"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder whose process is ended after the test, whatever the test did."""
    yield tmp_path
    stop(tmp_path / "it.pid", grace_seconds=0, clock=_CLOCK)


def test_a_started_process_is_alive_in_a_session_of_its_own(folder: Path) -> None:
    """Its pid file tells pid and start, its output and its environment are what was asked for."""
    record = start(
        _plan(folder, "import os, time; print(os.environ['OPSCTL_TEST_MARK'], flush=True); time.sleep(60)")
    )
    said = _wait_for_line(folder / "logs" / "it.log")

    assert (is_alive(record), read_record(folder / "it.pid"), said) == (True, record, "here")
    assert record.pid is not None
    assert os.getsid(record.pid) == record.pid


def test_stop_ends_the_process_and_removes_the_pid_file(folder: Path) -> None:
    """After stop nothing lives; a second stop has nothing to do."""
    record = start(_plan(folder, _SLEEPER))

    assert stop(folder / "it.pid", grace_seconds=5, clock=_CLOCK) is True
    assert (is_alive(record), (folder / "it.pid").exists()) == (False, False)
    assert stop(folder / "it.pid", grace_seconds=5, clock=_CLOCK) is False


def test_a_process_that_ignores_the_request_is_killed(folder: Path) -> None:
    """SIGTERM first; who does not listen gets SIGKILL."""
    record = start(_plan(folder, _STUBBORN))
    _wait_for_line(folder / "logs" / "it.log")

    stop(folder / "it.pid", grace_seconds=0.2, clock=_CLOCK)

    assert is_alive(record) is False


def test_children_end_with_their_parent(folder: Path) -> None:
    """A child that was not asked to end goes too."""
    start(_plan(folder, _PARENT))
    child_pid = int(_wait_for_line(folder / "logs" / "it.log"))

    stop(folder / "it.pid", grace_seconds=5, clock=_CLOCK)

    assert _exists(child_pid) is False


def test_children_of_a_killed_parent_are_found_by_their_session(folder: Path) -> None:
    """After kill -9 of the leader, stop still ends what it left behind."""
    record = start(_plan(folder, _PARENT))
    child_pid = int(_wait_for_line(folder / "logs" / "it.log"))
    assert record.pid is not None
    os.kill(record.pid, signal.SIGKILL)
    while is_alive(record):
        _CLOCK.sleep(0.02)
    assert _exists(child_pid) is True

    stop(folder / "it.pid", grace_seconds=5, clock=_CLOCK)

    assert _exists(child_pid) is False


def test_another_process_with_a_recycled_pid_is_never_signalled(folder: Path) -> None:
    """A pid file whose pid now belongs to a later process means that ours is gone, and nothing more."""
    stranger = start(_plan(folder, _SLEEPER))
    assert stranger.start_ticks is not None
    values = json.loads((folder / "it.pid").read_text())
    stale_path = folder / "stale.pid"
    stale_path.write_text(json.dumps({**values, "start_ticks": stranger.start_ticks - 1}))
    stale = read_record(stale_path)

    assert stale == replace(stranger, start_ticks=stranger.start_ticks - 1)
    assert stale is not None
    assert (is_alive(stale), measure(stale)) == (False, None)
    assert stop(stale_path, grace_seconds=0, clock=_CLOCK) is False
    assert (is_alive(stranger), stale_path.exists()) == (True, False)


def test_a_pid_of_an_earlier_boot_is_never_signalled(folder: Path) -> None:
    """Pids and start ticks mean nothing across a reboot."""
    record = start(_plan(folder, _SLEEPER))

    assert is_alive(replace(record, boot_id="another boot")) is False
    assert is_alive(record) is True


def test_a_process_whose_starter_was_killed_before_it_knew_the_pid_is_found(folder: Path) -> None:
    """Between intention and start the pid file has no pid; the process is then found by its exact arguments."""
    plan = _plan(folder, _SLEEPER + f"  # {folder}")
    record = start(plan)
    values = json.loads(plan.pid_path.read_text())
    plan.pid_path.write_text(json.dumps({**values, "pid": None, "start_ticks": None}))

    assert read_record(plan.pid_path) == record
    assert stop(plan.pid_path, grace_seconds=5, clock=_CLOCK) is True
    assert is_alive(record) is False


def test_a_program_that_is_not_there_leaves_no_pid_file(folder: Path) -> None:
    """The error names the program, and nothing claims that it runs."""
    plan = replace(_plan(folder, ""), argv=(str(folder / "no-such-program"),))

    with pytest.raises(NotReadyError) as caught:
        start(plan)

    assert (caught.value.code, plan.pid_path.exists()) == ("PRC001", False)


def test_figures_of_a_living_process(folder: Path) -> None:
    """A process with one child counts as two and uses memory."""
    record = start(_plan(folder, _PARENT))
    _wait_for_line(folder / "logs" / "it.log")

    figures = measure(record)

    assert figures is not None
    assert figures.processes == 2
    assert figures.memory_bytes > 1_000_000
    assert figures.uptime_seconds >= 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process as somebody else")
def test_root_drops_to_the_account_asked_for(open_folder: Path) -> None:
    """The process has the user, the group and no further groups."""
    folder = open_folder / "drop"
    plan = replace(
        _plan(folder, ""),
        argv=("/bin/sh", "-c", "echo $(id -u) $(id -g) $(id -G); sleep 60"),
        cwd=Path("/"),
        account=Account(uid=65534, gid=65534),
    )
    try:
        start(plan)
        assert _wait_for_line(plan.log_path) == "65534 65534 65534"
    finally:
        processes.stop(plan.pid_path, grace_seconds=5, clock=_CLOCK)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"argv": 3}', "123\n"])
def test_a_damaged_pid_file_is_named_and_nothing_is_signalled(tmp_path: Path, content: str) -> None:
    """A guess at the pid could end somebody else's process."""
    path = tmp_path / "broken.pid"
    path.write_text(content)

    with pytest.raises(NotReadyError, match="is damaged"):
        read_record(path)
