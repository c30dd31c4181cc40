"""The stack comes up and goes down whatever happens in between, and never leaves a process behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.clients.processes import is_alive
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotReadyError
from opsctl.core.events import Event, Noted, PhaseFinished, ignore
from opsctl.stack.borrow import borrowed_stack
from opsctl.stack.down import plan_stop, stop_stack
from opsctl.stack.model import PartName, PartStatus, StackState, password_file, pid_path
from opsctl.stack.postgres_cluster import cluster_dir
from opsctl.stack.record import read_process, read_stack_record
from opsctl.stack.status import stack_status
from opsctl.stack.up import plan_start, start_stack

pytestmark = pytest.mark.stack

_CLOCK = SystemClock()
_POSTGRES = PartName.POSTGRES
_UP = (
    "import sys\nfrom pathlib import Path\nfrom opsctl.core.clock import SystemClock\n"
    "from opsctl.stack.model import PartName\nfrom opsctl.stack.up import start_stack\n"
    "start_stack(Path(sys.argv[1]), listener=print, clock=SystemClock(), only=[PartName.POSTGRES])\n"
)


@pytest.fixture
def home(open_folder: Path) -> Iterator[Path]:
    """Give the state folder of a new project, whose stack is stopped after the test."""
    home = open_folder / f"project-{uuid4().hex[:8]}" / ".opsctl"
    home.mkdir(parents=True)
    yield home
    stop_stack(home, listener=ignore, clock=_CLOCK)
    shutil.rmtree(home.parent)


def _up(home: Path, listener: Callable[[Event], None] = ignore) -> StackState:
    return start_stack(home, listener=listener, clock=_CLOCK, only=[_POSTGRES])


def _address(state: StackState) -> DatabaseAddress:
    return DatabaseAddress.with_password_file(state.database_url, password_file=state.database_password_file)


def _ask(state: StackState, query: str) -> str:
    with connect(_address(state)) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return str(row[0])


def _processes_of(home: Path) -> list[str]:
    """Return the command lines of all processes that name this project's folder."""
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(home) in line:
                lines.append(line)
    return lines


def _kill(home: Path, name: PartName) -> None:
    process = read_process(home, name)
    assert process is not None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    while is_alive(process):
        _CLOCK.sleep(0.02)


def test_postgres_demands_scram_keeps_checksums_and_listens_on_loopback_only(home: Path) -> None:
    """What the settings promise is what the server says."""
    state = _up(home)

    told = {
        name: _ask(state, f"show {name}")
        for name in (
            *("data_checksums", "password_encryption", "listen_addresses", "unix_socket_directories"),
            *("server_encoding", "wal_level", "summarize_wal", "shared_preload_libraries"),
        )
    }

    assert told == {
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "server_encoding": "UTF8",
        "wal_level": "replica",
        "summarize_wal": "on",
        "shared_preload_libraries": "pg_stat_statements",
    }
    assert _ask(state, "select distinct auth_method from pg_hba_file_rules") == "scram-sha-256"
    assert _ask(state, "select count(*) from pg_stat_statements") != ""
    with pytest.raises(NotReadyError) as caught:
        connect(DatabaseAddress(url=state.database_url, password="guess"))
    assert caught.value.code == "DBS002"


@pytest.mark.slow
def test_the_password_is_random_private_and_in_no_argument(home: Path) -> None:
    """The file is for its owner only, and no process shows it."""
    _up(home)
    path = password_file(home)
    password = path.read_text().strip()

    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert len(password) >= 32
    assert not [line for line in _processes_of(home) if password in line]


@pytest.mark.slow
def test_up_twice_starts_once_and_down_twice_is_no_error(home: Path) -> None:
    """The second up finds the same process; the second down nothing."""
    first, second = _up(home), _up(home)
    assert first.part(_POSTGRES).pid == second.part(_POSTGRES).pid
    assert [step.action for step in plan_start(home, only=[_POSTGRES, PartName.VECTORS])] == ["keep", "start"]
    assert [step.name for step in plan_stop(home)] == [_POSTGRES]

    for _ in range(2):
        state = stop_stack(home, listener=ignore, clock=_CLOCK)
        assert state.part(_POSTGRES).status is PartStatus.STOPPED
    assert _processes_of(home) == []
    assert plan_stop(home) == ()


@pytest.mark.slow
def test_data_and_port_are_there_again_after_down_and_up(home: Path) -> None:
    """A restart keeps the address and everything committed."""
    state = _up(home)
    with connect(_address(state)) as connection:
        connection.execute("insert into vendors (id, name) values (7, 'kept')")
    stop_stack(home, listener=ignore, clock=_CLOCK)

    again = _up(home)

    assert again.database_url == state.database_url
    assert _ask(again, "select name from vendors where id = 7") == "kept"


@pytest.mark.slow
def test_a_crashed_part_is_seen_and_restarted_with_its_data(home: Path) -> None:
    """After kill -9 of the server itself, status says crashed and up brings it back."""
    state = _up(home)
    with connect(_address(state)) as connection:
        connection.execute("insert into vendors (id, name) values (7, 'kept')")
    _kill(home, _POSTGRES)

    assert stack_status(home).part(_POSTGRES).status is PartStatus.CRASHED
    assert plan_start(home, only=[_POSTGRES])[0].action == "restart"
    assert _ask(_up(home), "select name from vendors where id = 7") == "kept"


@pytest.mark.drill
@pytest.mark.parametrize("sign", ["stack/state.json", "stack/postgres", "stack/postgres.pid"])
def test_down_after_the_upping_process_was_killed_leaves_nothing(home: Path, sign: str) -> None:
    """Killed while placing, while initdb runs, or right after the spawn: down cleans, and up works afterwards."""
    with subprocess.Popen([sys.executable, "-c", _UP, str(home)], stdout=subprocess.DEVNULL) as upping:
        while not (home / sign).exists() and upping.poll() is None:
            _CLOCK.sleep(0.001)
        upping.kill()

    stop_stack(home, listener=ignore, clock=_CLOCK)

    assert [line for line in _processes_of(home) if "initdb" not in line and "--boot" not in line] == []
    assert _ask(_up(home), "select 1") == "1"


@pytest.mark.slow
def test_two_ups_at_once_end_with_one_server(home: Path) -> None:
    """The second waits for the first and uses what it started."""
    states: list[StackState] = []
    threads = [threading.Thread(target=lambda: states.append(_up(home))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({state.part(_POSTGRES).pid for state in states}) == 1
    assert len(states) == 2


@pytest.mark.drill
def test_a_recorded_port_that_is_taken_is_replaced(home: Path) -> None:
    """Somebody else's server on our old port means another port, not a failure."""
    old_port = _up(home).part(_POSTGRES).port
    assert old_port is not None
    stop_stack(home, listener=ignore, clock=_CLOCK)

    with socket.create_server(("127.0.0.1", old_port)):
        state = _up(home)

    assert state.part(_POSTGRES).port != old_port
    assert _ask(state, "select 1") == "1"


@pytest.mark.slow
def test_a_failed_start_shows_the_last_lines_of_this_start(home: Path) -> None:
    """The error carries what the server said about a broken setting, and leaves nothing running."""
    _up(home)
    stop_stack(home, listener=ignore, clock=_CLOCK)
    place = read_stack_record(home).places[_POSTGRES]
    with (cluster_dir(place) / "postgresql.auto.conf").open("a") as stream:
        stream.write("no_such_setting = 1\n")

    with pytest.raises(NotReadyError) as caught:
        _up(home)

    assert caught.value.code == "STK020"
    assert 'unrecognized configuration parameter "no_such_setting"' in str(caught.value.why)
    assert "ready to accept connections" not in str(caught.value.why)
    assert (_processes_of(home), pid_path(home, _POSTGRES).exists()) == ([], False)


@pytest.mark.slow
def test_a_lost_password_file_is_named(home: Path) -> None:
    """Instead of a new password that opens nothing, the missing file is told."""
    _up(home)
    stop_stack(home, listener=ignore, clock=_CLOCK)
    password_file(home).unlink()

    with pytest.raises(NotReadyError) as caught:
        _up(home)

    assert (caught.value.code, str(password_file(home)) in caught.value.message) == ("STK012", True)


@pytest.mark.drill
def test_a_copied_project_leaves_the_original_alone(home: Path, open_folder: Path) -> None:
    """`down` in a copy, state files and all, does not stop the original's server."""
    _up(home)
    copy = open_folder / f"copy-{uuid4().hex[:8]}" / ".opsctl"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("data"))

    stop_stack(copy, listener=ignore, clock=_CLOCK)

    assert stack_status(copy).part(_POSTGRES).status is PartStatus.STOPPED
    assert stack_status(home).part(_POSTGRES).ready is True


@pytest.mark.drill
@pytest.mark.skipif(
    os.getuid() != 0, reason="root starts it as a plain user; a plain user has tested it already"
)
def test_a_plain_user_brings_it_up_too(open_folder: Path) -> None:
    """The same call works without root, in a folder of the user's own."""
    project = open_folder / "plain"
    project.mkdir()
    os.chown(project, 65534, 65534)
    home = project / ".opsctl"
    # The Python of a root-only folder can be run by root alone: it imports what is needed, then gives root up.
    drop = "import os, psycopg, encodings.ascii, encodings.idna\nimport opsctl.stack.up\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\n"
    try:
        done = subprocess.run(
            [sys.executable, "-c", drop + _UP, str(home)],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        place = read_stack_record(home).places[_POSTGRES]
        assert place.account is None
        assert cluster_dir(place).stat().st_uid == 65534
        assert _ask(stack_status(home), "select 1") == "1"
    finally:
        stop_stack(home, listener=ignore, clock=_CLOCK)
    assert _processes_of(home) == []


@pytest.mark.slow
def test_a_borrowed_stack_lasts_as_long_as_the_last_borrower(home: Path) -> None:
    """Who finds no stack starts one and says so; two share it; the last one to end stops it."""
    events: list[Event] = []

    with borrowed_stack(home, listener=events.append, clock=_CLOCK) as outer:
        assert outer.ready is True
        with borrowed_stack(home, listener=ignore, clock=_CLOCK) as inner:
            assert inner.part(_POSTGRES).pid == outer.part(_POSTGRES).pid
        assert stack_status(home).ready is True

    assert _processes_of(home) == []
    assert [event.message.partition(";")[0] for event in events if isinstance(event, Noted)] == [
        "the embedded stack is not up",
        "the embedded stack is stopped again",
    ]
    started = [
        event.subject for event in events if isinstance(event, PhaseFinished) and event.phase == "start"
    ]
    assert started == ["postgres", "vectors"]


@pytest.mark.drill
def test_borrowing_a_running_stack_leaves_it_up(home: Path) -> None:
    """A stack of `stack up` stays, even when a borrower started it before."""
    with borrowed_stack(home, listener=ignore, clock=_CLOCK):
        start_stack(home, listener=ignore, clock=_CLOCK)
    assert stack_status(home).ready is True

    with borrowed_stack(home, listener=ignore, clock=_CLOCK) as state:
        assert state.vectors_url.startswith("http://127.0.0.1:")
    assert stack_status(home).ready is True

    # A borrower that was the last a moment before `up` made the stack its own comes too late to stop it.
    stop_stack(home, listener=ignore, clock=_CLOCK, only_borrowed=True)
    assert stack_status(home).ready is True


@pytest.mark.drill
def test_a_borrower_that_fails_stops_what_it_started(home: Path) -> None:
    """Also Ctrl-C in the command's own work leaves no process."""
    with pytest.raises(KeyboardInterrupt), borrowed_stack(home, listener=ignore, clock=_CLOCK):
        raise KeyboardInterrupt

    assert _processes_of(home) == []


@pytest.mark.slow
def test_status_as_json_has_every_part_with_its_figures(home: Path) -> None:
    """`opsctl stack status --json` exits 0 only when every part is ready, and tells pid, port and sizes."""
    command = [sys.executable, "-m", "opsctl", "-C", str(home.parent), "stack", "status", "--json"]
    (home.parent / "opsctl.yaml").write_text("state_dir: .opsctl\n")
    resting = subprocess.run(command, capture_output=True, text=True, check=False)
    _up(home)
    half_up = subprocess.run(command, capture_output=True, text=True, check=False)
    postgres, vectors, *_ = json.loads(half_up.stdout)["data"]["parts"]

    assert (resting.returncode, half_up.returncode) == (3, 3)
    assert json.loads(resting.stdout)["ok"] is False
    assert json.loads(half_up.stdout)["schema"] == "opsctl.stack.status/v1"
    assert (postgres["name"], postgres["status"], postgres["ready"]) == ("postgres", "running", True)
    assert min(postgres["pid"], postgres["port"], postgres["memory_bytes"], postgres["data_bytes"]) > 0
    assert (vectors["name"], vectors["status"], vectors["ready"], vectors["pid"]) == (
        *("vectors", "stopped"),
        *(False, None),
    )


@pytest.mark.slow
def test_a_database_whose_data_is_gone_is_not_replaced_by_an_empty_one(home: Path):
    """It would look well and be archived as the truth; who means it removes the note that the error names."""
    _up(home)
    stop_stack(home, listener=ignore, clock=_CLOCK)
    shutil.rmtree(read_stack_record(home).places[_POSTGRES].data_dir)

    with pytest.raises(NotReadyError) as caught:
        _up(home)

    assert caught.value.code == "STK015"
    assert caught.value.fix is not None
    Path(caught.value.fix.rpartition("rm ")[2]).unlink()
    assert _up(home).part(_POSTGRES).ready
