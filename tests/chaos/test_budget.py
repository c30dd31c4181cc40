"""What drills cost is written down once for all, and what is left is never more than that."""

import json
import os
import threading

import pytest
from tests.fakes.clock import FakeClock

from opsctl.chaos.budget import BudgetLedger
from opsctl.clients.file_locks import FileLock
from opsctl.core.clock import SystemClock
from opsctl.core.errors import FailedError, NotReadyError, RefusedError
from opsctl.core.events import Event, Noted

MONTH = 31 * 24 * 3600


@pytest.fixture
def path(tmp_path):
    """Return where the ledger is."""
    return tmp_path / "chaos" / "budget.jsonl"


def ledger(path, clock: FakeClock | None = None, minutes: float = 100) -> BudgetLedger:
    """Return the ledger."""
    return BudgetLedger(path, clock=clock or FakeClock(), minutes_a_month=minutes)


def test_debits_add_up_and_a_new_month_begins_anew(path):
    """A statement a month."""
    clock = FakeClock()
    book = ledger(path, clock)
    book.debit("one", forecast=10, spent=7.5)
    book.debit("two", forecast=10, spent=2.5)
    clock.sleep(MONTH)
    book.debit("three", forecast=10, spent=1)

    november, december = book.statement("2026-11"), book.statement()

    assert (november.spent, november.left, [debit.drill for debit in november.debits]) == (
        10,
        90,
        ["one", "two"],
    )
    assert (december.month, december.spent) == ("2026-12", 1)


def test_a_drill_that_may_cost_more_than_is_left_is_refused(path):
    """What it may cost counts, not what it did cost last time."""
    book = ledger(path)
    book.require("one", minutes=100)
    book.debit("one", forecast=100, spent=60)

    book.require("two", minutes=40)
    with pytest.raises(
        RefusedError, match=r"may cost 40\.5 minutes of the service level, 40 are left of 100"
    ) as caught:
        book.require("two", minutes=40.5)

    assert caught.value.code == "CHA020"


def test_more_than_is_allowed_leaves_nothing_and_never_less(path):
    """A drill that went wrong."""
    book = ledger(path)
    book.debit("one", forecast=1, spent=500)

    assert book.statement().left == 0
    book.require("null", minutes=0)


def test_a_cost_that_nobody_can_tell_uses_up_the_month(path):
    """There was no usual traffic to compare with."""
    book = ledger(path)
    book.debit("one", forecast=1, spent=float("inf"))

    assert book.statement().left == 0


def test_a_line_that_a_crash_cut_off_is_told_moved_aside_and_followed_by_a_whole_one(path):
    """It was never acknowledged, and nothing is lost silently."""
    told: list[Event] = []
    book = BudgetLedger(path, clock=FakeClock(), minutes_a_month=100, listener=told.append)
    book.debit("one", forecast=1, spent=1)
    with path.open("ab") as file:
        file.write(b'{"at": "2026-11-2')

    spent = book.statement().spent
    told_of_reading = len(told)
    book.debit("two", forecast=1, spent=2)

    assert (spent, told_of_reading) == (1, 1)
    assert [json.loads(line)["drill"] for line in path.read_text().splitlines()] == ["one", "two"]
    assert path.with_suffix(".torn").read_bytes() == b'{"at": "2026-11-2\n'
    messages = [event.message for event in told if isinstance(event, Noted)]
    assert [str(path.with_suffix(".torn")) in message for message in messages] == [False, True]
    assert book.statement().spent == 3
    assert len(told) == 2


def test_what_is_no_file_is_no_ledger_and_holds_nobody_up(path):
    """A pipe would be waited for without an end."""
    path.parent.mkdir()
    os.mkfifo(path)

    with pytest.raises(NotReadyError) as caught:
        ledger(path).require("one", minutes=0)

    assert caught.value.code == "FIL003"


def test_a_last_line_that_only_lacks_its_end_counts(path):
    """An editor took the line end away; the drill was held all the same."""
    told: list[Event] = []
    book = BudgetLedger(path, clock=FakeClock(), minutes_a_month=100, listener=told.append)
    book.debit("one", forecast=1, spent=1)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))

    spent = book.statement().spent
    book.debit("two", forecast=1, spent=2)

    assert (spent, book.statement().spent, told) == (1, 3, [])


@pytest.mark.parametrize(
    "line",
    ["x", "", "\xff", pytest.param("[" * 100_000, id="deep"), "{}", "[]", '{"at": "2026-11-22", "drill": "a", "forecast": 1, "spent": -1}',
     '{"at": "2026-11-22", "drill": "a", "forecast": 1, "spent": NaN}', '{"at": 1, "drill": "a", "forecast": 1, "spent": 1}'],
)  # fmt: skip
def test_a_damaged_line_stops_every_drill(path, line):
    """Nobody knows what is left."""
    path.parent.mkdir()
    path.write_text(line + "\n")

    with pytest.raises(FailedError) as caught:
        ledger(path).require("one", minutes=0)

    assert caught.value.code == "CHA021"


def test_many_may_write_at_once_and_nothing_is_lost(path):
    """Each waits for the other."""
    book = BudgetLedger(path, clock=SystemClock(), minutes_a_month=100)
    threads = [
        threading.Thread(target=book.debit, args=(f"d{number}",), kwargs={"forecast": 1, "spent": 1})
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(path.read_text().splitlines()) == 8


def test_a_ledger_that_is_held_for_long_is_named(path):
    """By whoever holds it."""
    with FileLock(path.with_suffix(".lock"), what="thinking"), pytest.raises(RefusedError) as caught:
        ledger(path).debit("one", forecast=1, spent=1)

    assert caught.value.code == "FIL002"
