"""A restore takes the place of the stack's data as a whole, or everything is as it was before."""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cli.dr_shop import run

from opsctl.cli.dr_live_sites import LiveSite
from opsctl.clients.file_locks import FileLock
from opsctl.core.errors import NotReadyError, RefusedError, ResidueError
from opsctl.core.events import ignore
from opsctl.stack import down, up
from opsctl.stack.exchange import begin_exchange, note_path, plan_exchange
from opsctl.stack.model import PartName, Place, password_file, stack_dir
from opsctl.stack.record import StackRecord, write_stack_record

FOLDERS = ("stack/postgres/data", "stack/vectors")


class Site(LiveSite):
    """A site whose folders are known, without servers."""

    place: Any = None

    def __init__(self, live: Path) -> None:
        super().__init__(
            live,
            scratch=live / "restore-x",
            stamp="S",
            chain=None,
            manifest=SimpleNamespace(),
            vault=SimpleNamespace(),
            listener=ignore,
        )
        self.place = SimpleNamespace(data_dir=self.home / "stack" / "postgres")

    def _folders(self) -> Iterator[tuple[Path, Path]]:
        yield from ((self.home / folder, self._live_home / folder) for folder in FOLDERS)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """Give the state folder of a stack with old data, and what was restored below it."""
    home = tmp_path / ".opsctl"
    for root, text in ((home, "old"), (home / "restore-x", "restored")):
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
            (root / folder / "whose").write_text(text)
        password_file(root).parent.mkdir()
        password_file(root).write_text("the same\n")
        write_stack_record(root, StackRecord())
    return home


def held(live: Path) -> list[str]:
    """Return whose data lies under the live names."""
    return [(live / folder / "whose").read_text() for folder in FOLDERS]


def starting(monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Do this instead of starting the stores."""
    monkeypatch.setattr(up, "start_parts", lambda *_args, **_how: do())


def fail() -> None:
    """Fail as a start does."""
    raise NotReadyError("`postgres` ended while starting", code="STK020")


def fill_disk() -> None:
    """Let no file grow any more, which is what a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@contextmanager
def room_afterwards() -> Iterator[None]:
    """Let there be room again after the block, before whoever runs the tests writes on."""
    limits, heard = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, heard)


def test_what_was_restored_stands_there_and_what_was_there_beside_it(
    live: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is left that would say that it is half done."""
    starting(monkeypatch, lambda: None)

    outcome = Site(live).hand_over()

    assert held(live) == ["restored"] * 2
    assert outcome.figures == {"put aside": 2}
    assert [(live / f"{folder}.replaced-S" / "whose").read_text() for folder in FOLDERS] == ["old"] * 2
    assert not note_path(live).exists()


def test_where_it_does_not_start_on_a_full_disk_everything_goes_back(
    live: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not even a lock could be written any more; the password is as it was, too."""
    password_file(live).write_text("of another time\n")

    def fail_without_room() -> None:
        fill_disk()
        fail()

    starting(monkeypatch, fail_without_room)
    with room_afterwards(), pytest.raises(NotReadyError) as caught:
        Site(live).hand_over()

    assert caught.value.code == "STK020"
    assert held(live) == ["old"] * 2
    assert password_file(live).read_text() == "of another time\n"
    assert not note_path(live).exists()


def test_where_a_store_cannot_be_ended_the_data_goes_back_all_the_same(
    live: Path, monkeypatch: pytest.MonkeyPatch
):
    """The error is told afterwards."""
    starting(monkeypatch, fail)
    stopped: list[Path] = []

    def stop(home: Path, **_how: Any) -> None:
        stopped.append(home)
        if len(stopped) == 2:
            raise ResidueError("it cannot be ended", code="PRC002")

    monkeypatch.setattr(down, "stop_parts", stop)

    with pytest.raises(ResidueError):
        Site(live).hand_over()

    assert held(live) == ["old"] * 2


def test_where_there_is_no_room_for_the_note_nothing_is_moved(live: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever came after a kill would not know what to put back."""
    starting(monkeypatch, fail)
    monkeypatch.setattr(
        down, "stop_parts", lambda home, **_how: fill_disk() if home == live.resolve() else None
    )

    with room_afterwards(), pytest.raises(NotReadyError) as caught:
        Site(live).hand_over()

    assert caught.value.code == "FIL001"
    assert held(live) == ["old"] * 2


def test_nobody_else_can_start_a_store_meanwhile(live: Path, monkeypatch: pytest.MonkeyPatch):
    """The lock of the stack is held from the stop to the start, and the note stands there."""
    seen: list[tuple[str, bool]] = []

    def look() -> None:
        with pytest.raises(RefusedError) as caught, FileLock(stack_dir(live) / "lock"):
            pass
        seen.append((caught.value.code, note_path(live).exists()))

    starting(monkeypatch, look)
    Site(live).hand_over()

    assert seen == [("FIL002", True)]


def test_a_new_password_is_for_its_owner_only(live: Path, monkeypatch: pytest.MonkeyPatch):
    """It comes with the data; the old one lies nowhere."""
    password_file(live).unlink()
    password_file(live / "restore-x").chmod(0o600)
    starting(monkeypatch, lambda: None)

    Site(live).hand_over()

    assert password_file(live).read_text() == "the same\n"
    assert password_file(live).stat().st_mode & 0o777 == 0o600
    assert list(password_file(live).parent.iterdir()) == [password_file(live)]


@pytest.mark.slow
def test_what_is_aside_is_not_pruned_while_it_may_be_the_only_copy(live: Path):
    """Neither during a restore, nor after one that was killed in the middle."""
    aside = live / "stack" / "vectors.replaced-S"
    (live / "stack" / "vectors").rename(aside)
    place = Place(port=1, data_dir=live / "stack" / "vectors")
    write_stack_record(live, StackRecord(places={PartName.VECTORS: place}))
    begin_exchange(live, [plan_exchange(aside, stamp="S")], ran={})

    killed = run(live.parent, "dr", "prune", "--replaced", "--json")
    with FileLock(live / "dr" / "restore.lock"):
        busy = run(live.parent, "dr", "prune", "--replaced", "--json")

    assert (killed.exit_code, killed.codes) == (4, ["STK016"])
    assert (busy.exit_code, busy.codes) == (4, ["FIL002"])
    note_path(live).unlink()
    assert run(live.parent, "dr", "prune", "--replaced", "--json").data["replaced"] == [str(aside)]
    assert not aside.exists()
