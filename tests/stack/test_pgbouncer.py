"""The pooler stands before the database where it is installed, and is missed nowhere."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from opsctl.clients.postgres import DatabaseAddress, connect
from opsctl.core.clock import SystemClock
from opsctl.core.errors import NotReadyError
from opsctl.core.events import ignore
from opsctl.stack import pgbouncer
from opsctl.stack.borrow import borrowed_stack
from opsctl.stack.down import stop_stack
from opsctl.stack.model import PartName, PartStatus, StackState
from opsctl.stack.record import read_process, read_stack_record, write_stack_record
from opsctl.stack.status import stack_status
from opsctl.stack.up import plan_start, start_stack

pytestmark = pytest.mark.stack

_CLOCK = SystemClock()
_POOLER = PartName.POOLER
_BOTH = (PartName.POSTGRES, _POOLER)
needs_pgbouncer = pytest.mark.skipif(
    pgbouncer.missing_because() is not None, reason="pgbouncer is not installed: make tools"
)


@pytest.fixture
def home(open_folder: Path) -> Iterator[Path]:
    """Give the state folder of a new project, whose stack is stopped after the test."""
    home = open_folder / f"project-{uuid4().hex[:8]}" / ".opsctl"
    home.mkdir(parents=True)
    yield home
    stop_stack(home, listener=ignore, clock=_CLOCK)
    shutil.rmtree(home.parent)


def _up(home: Path, *only: PartName) -> StackState:
    return start_stack(home, listener=ignore, clock=_CLOCK, only=only)


def _ask(state: StackState, query: bytes) -> str:
    assert state.pooler_url is not None
    address = DatabaseAddress.with_password_file(state.pooler_url, password_file=state.database_password_file)
    with connect(address) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


@needs_pgbouncer
def test_the_pooler_leads_to_the_database_and_keeps_its_secrets(home: Path) -> None:
    """Loopback only, SCRAM on both sides, files for their owner only, no root, and a wrong password is refused."""
    state = _up(home, *_BOTH)

    place = read_stack_record(home).places[_POOLER]
    assert _ask(state, b"select current_database()") == "opsctl"
    assert {path.name: path.stat().st_mode & 0o777 for path in place.data_dir.iterdir()} == {
        "pgbouncer.ini": 0o600,
        "userlist.txt": 0o600,
    }
    process = read_process(home, _POOLER)
    assert process is not None
    assert Path(f"/proc/{process.pid}").stat().st_uid != 0
    assert "listen_addr = 127.0.0.1\n" in (place.data_dir / "pgbouncer.ini").read_text()
    assert state.pooler_url is not None
    with pytest.raises(NotReadyError) as caught:
        connect(DatabaseAddress(url=state.pooler_url, password="guess"))
    assert caught.value.code == "DBS002"

    stopped = stop_stack(home, listener=ignore, clock=_CLOCK)
    assert (stopped.part(_POOLER).status, stopped.pooler_url) == (PartStatus.STOPPED, None)


@pytest.mark.slow
@needs_pgbouncer
def test_a_running_pooler_follows_a_database_that_moved_and_outlives_one_that_is_down(home: Path) -> None:
    """Its readiness is its own; after the database came up on another port, `up` tells it."""
    _up(home, *_BOTH)
    stop_stack(home, listener=ignore, clock=_CLOCK, only=[PartName.POSTGRES])
    alone = stack_status(home)
    record = read_stack_record(home)
    old = record.places[PartName.POSTGRES]
    moved = {**record.places, PartName.POSTGRES: _with_next_port(old)}
    write_stack_record(home, type(record)(places=moved, borrowed=record.borrowed))

    state = _up(home, *_BOTH)

    assert (alone.part(_POOLER).ready, alone.ready) == (True, False)
    assert state.part(PartName.POSTGRES).port == old.port + 1
    assert state.part(_POOLER).pid == alone.part(_POOLER).pid
    assert _ask(state, b"show port") == str(old.port + 1)


@pytest.mark.slow
@needs_pgbouncer
def test_a_borrowed_stack_starts_only_what_is_needed(home: Path) -> None:
    """A command that needs the database starts neither pooler nor vectors."""
    with borrowed_stack(home, listener=ignore, clock=_CLOCK, parts=[PartName.POSTGRES]) as state:
        running = [part.name for part in state.parts if part.status is PartStatus.RUNNING]

    assert running == [PartName.POSTGRES]
    assert state.pooler_url is None


@needs_pgbouncer
def test_a_pooler_without_any_database_says_so(home: Path) -> None:
    """`up pooler` in a new project has nothing to stand before."""
    with pytest.raises(NotReadyError) as caught:
        _up(home, _POOLER)

    assert caught.value.code == "STK001"


@pytest.mark.slow
def test_without_the_program_everything_else_comes_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part is shown as not installed and skipped; asked for by name it is refused with the reason."""
    monkeypatch.setattr(pgbouncer, "_OUTSIDE_PATH", home / "pgbouncer")
    monkeypatch.setenv("PATH", os.fspath(home))

    planned = {step.name: step.action for step in plan_start(home)}
    state = _up(home)

    assert planned[_POOLER] == "skip"
    assert state.part(_POOLER).status is PartStatus.NOT_INSTALLED
    assert (state.ready, state.pooler_url) == (True, None)
    with pytest.raises(NotReadyError) as caught:
        _up(home, _POOLER)
    assert caught.value.code == "STK014"


def _with_next_port(place):
    from dataclasses import replace

    return replace(place, port=place.port + 1)
