"""Calls run side by side, and their results come in order, few at a time."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from opsctl.clients import side_by_side
from opsctl.clients.side_by_side import in_order


def test_results_come_in_the_order_of_the_calls_whoever_is_first() -> None:
    """The first call ends only when the second has ended."""
    second_has_ended = threading.Event()

    def first() -> str:
        assert second_has_ended.wait(timeout=10)
        return "first"

    def second() -> str:
        second_has_ended.set()
        return "second"

    assert list(in_order([first, second, lambda: "third"], at_once=2)) == ["first", "second", "third"]


def test_no_more_calls_are_taken_than_may_run() -> None:
    """What waits to be taken is bounded, however many there are."""
    taken: list[int] = []

    def calls() -> Iterator[Callable[[], int]]:
        for number in range(100):
            taken.append(number)
            yield partial(int, number)

    results = in_order(calls(), at_once=3)

    for number in range(90):
        assert next(results) == number
        assert len(taken) <= number + 3


def test_an_error_ends_it_and_nothing_more_is_begun() -> None:
    """That of a call comes in its turn, and nobody goes on behind it."""
    begun: list[str] = []

    def fail() -> None:
        raise ValueError("broken")

    calls = [lambda: begun.append("first"), fail, *([lambda: begun.append("later")] * 50)]

    with pytest.raises(ValueError, match="broken"):
        list(in_order(calls, at_once=2))

    assert begun.count("later") <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("side-by-side")]


def test_a_call_that_hangs_does_not_hold_an_error_back_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the end of the process: a server may never answer."""
    monkeypatch.setattr(side_by_side, "_PATIENCE_SECONDS", 0.05)
    let_go = threading.Event()

    def fail() -> None:
        raise ValueError("broken")

    calls: list[Callable[[], object]] = [fail, let_go.wait, let_go.wait]
    with pytest.raises(ValueError, match="broken"):
        list(in_order(calls, at_once=3))

    hanging = [thread for thread in threading.enumerate() if thread.name == "side-by-side"]
    let_go.set()
    assert len(hanging) == 2
    assert all(thread.daemon for thread in hanging)
