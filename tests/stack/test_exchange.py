"""Data of the stack is exchanged as a whole, or everything is put back, also by whoever comes after one that was killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import RefusedError
from opsctl.core.events import Event, ignore
from opsctl.stack.exchange import (
    Exchange,
    begin_exchange,
    end_exchange,
    note_path,
    parts_of_exchange,
    plan_exchange,
    require_whole,
    take_back_exchange,
)
from opsctl.stack.model import PartName
from opsctl.stack.taking_back import take_back_killed
from opsctl.stack.up import start_stack

STAMP = "20261130T120000Z"
STORES = ("postgres", "vectors")


def write(path: Path, text: str) -> Path:
    """Write the file that tells whose data a folder holds."""
    path.mkdir(parents=True)
    (path / "whose").write_text(text)
    return path


@pytest.fixture
def moves(tmp_path: Path) -> list[tuple[Path, Exchange]]:
    """Give what is restored with where it belongs: two stores and a secret."""
    found = []
    for store in STORES:
        live = write(tmp_path / "stack" / store, "old")
        found.append((write(tmp_path / "restore" / store, "restored"), plan_exchange(live, stamp=STAMP)))
    for folder, text in (("secrets", "old"), ("restore/secrets", "restored")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "password").write_text(text)
    secret = plan_exchange(tmp_path / "secrets" / "password", stamp=STAMP)
    return [*found, (tmp_path / "restore" / "secrets" / "password", secret)]


def held(home: Path) -> list[str]:
    """Return whose data lies under the live names."""
    paths = [*(home / "stack" / store / "whose" for store in STORES), home / "secrets" / "password"]
    return [path.read_text() if path.exists() else "" for path in paths]


def put_aside(exchange: Exchange) -> None:
    """Do the first half of an exchange."""
    exchange.live.rename(exchange.aside)


@pytest.mark.parametrize("whole", range(4))
@pytest.mark.parametrize("half", [False, True])
def test_whatever_was_moved_when_it_was_killed_goes_back(
    tmp_path: Path, moves: list[tuple[Path, Exchange]], whole: int, *, half: bool
):
    """After each rename; and once it is back nothing more is done."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    for ours, move in moves[:whole]:
        move.make(ours)
    for _, move in moves[whole : whole + 1] if half else ():
        put_aside(move)

    for _ in range(2):
        take_back_exchange(tmp_path)
        assert held(tmp_path) == ["old"] * 3
    assert not note_path(tmp_path).exists()
    assert list((tmp_path / "secrets").iterdir()) == [tmp_path / "secrets" / "password"]


def test_it_goes_back_where_what_was_restored_is_gone_meanwhile(
    tmp_path: Path, moves: list[tuple[Path, Exchange]]
):
    """Whoever clears up after the killed removes it; the live data is not taken for it."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    moves[0][1].make(moves[0][0])
    (moves[1][0] / "whose").unlink()
    moves[1][0].rmdir()

    take_back_exchange(tmp_path)

    assert held(tmp_path) == ["old"] * 3


def test_taking_back_that_is_killed_is_done_by_the_next(tmp_path: Path, moves: list[tuple[Path, Exchange]]):
    """What came is put away already, what was there not back yet."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    for ours, move in moves:
        move.make(ours)
    moves[1][1].live.rename(moves[1][1].unused)

    take_back_exchange(tmp_path)

    assert held(tmp_path) == ["old"] * 3


def test_where_there_was_nothing_there_is_nothing_again(tmp_path: Path):
    """As after a loss."""
    move = plan_exchange(tmp_path / "stack" / "postgres", stamp=STAMP)
    begin_exchange(tmp_path, [move], ran={})
    move.make(write(tmp_path / "restore", "restored"))

    take_back_exchange(tmp_path)

    assert not move.live.exists()
    assert (move.unused / "whose").read_text() == "restored"


def test_what_is_whole_stays_with_what_was_there_beside_it_but_no_secret(
    tmp_path: Path, moves: list[tuple[Path, Exchange]]
):
    """An old password lies nowhere."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    for ours, move in moves:
        move.make(ours)

    end_exchange(tmp_path)
    take_back_exchange(tmp_path)

    assert held(tmp_path) == ["restored"] * 3
    assert [move.aside.exists() for _, move in moves] == [True, True, False]


@pytest.mark.parametrize(
    "work",
    [
        require_whole,
        lambda home: start_stack(home, listener=ignore, clock=SystemClock()),
        lambda home: start_stack(home, listener=ignore, clock=SystemClock(), borrowed=True),
    ],
)
def test_nothing_is_started_on_half_of_an_exchange(
    tmp_path: Path, moves: list[tuple[Path, Exchange]], work: Callable[[Path], object]
):
    """It says with which command everything goes back."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})

    with pytest.raises(RefusedError) as caught:
        work(tmp_path)

    assert caught.value.code == "STK016"
    assert "opsctl stack up --take-back" in str(caught.value.fix)


def test_whoever_comes_after_a_killed_one_puts_everything_back_and_says_so(
    tmp_path: Path, moves: list[tuple[Path, Exchange]]
):
    """Once; where nothing is half done nothing is said."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    moves[0][1].make(moves[0][0])
    told: list[Event] = []

    for _ in range(2):
        take_back_killed(tmp_path, listener=told.append, clock=SystemClock())

    require_whole(tmp_path)
    assert held(tmp_path) == ["old"] * 3
    assert len(told) == 1


def test_a_project_that_was_moved_meanwhile_is_put_back_too(
    tmp_path: Path, moves: list[tuple[Path, Exchange]]
):
    """The note tells places as they are seen from the project."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    moves[0][1].make(moves[0][0])
    elsewhere = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))

    take_back_exchange(elsewhere)

    assert held(elsewhere) == ["old"] * 3


def test_what_is_gone_meanwhile_is_not_told_to_be_back(tmp_path: Path, moves: list[tuple[Path, Exchange]]):
    """The note stays, and says where it lay; nothing is moved."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    moves[0][1].make(moves[0][0])
    moves[1][1].live.rename(tmp_path / "somewhere")

    with pytest.raises(RefusedError) as caught:
        take_back_exchange(tmp_path)

    assert caught.value.code == "STK017"
    assert note_path(tmp_path).exists()
    assert held(tmp_path) == ["restored", "", "old"]


def test_killed_while_it_forgets_it_is_not_taken_back_without_its_secret(
    tmp_path: Path, moves: list[tuple[Path, Exchange]], monkeypatch: pytest.MonkeyPatch
):
    """As long as the note stands the old secret is there."""
    begin_exchange(tmp_path, [move for _, move in moves], ran={})
    for ours, move in moves:
        move.make(ours)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("opsctl.stack.exchange._forget", killed)
        with pytest.raises(KeyboardInterrupt):
            end_exchange(tmp_path)
    take_back_exchange(tmp_path)

    assert held(tmp_path) == ["old"] * 3


def test_the_note_knows_what_was_stopped_for_it_and_what_of_that_ran(tmp_path: Path):
    """So that nothing else is stopped when it is taken back, and what ran runs again."""
    assert parts_of_exchange(tmp_path) == {}

    begin_exchange(tmp_path, [], ran={PartName.VECTORS: True, PartName.POSTGRES: False})

    assert parts_of_exchange(tmp_path) == {PartName.VECTORS: True, PartName.POSTGRES: False}
