"""The command line changes a load in proportion, and what it makes of it is checked like a book."""

import pytest
from tests.bench.load.test_requests import FEED, job

from opsctl.bench.load.adjust import Adjustments, adjusted
from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.phases import Ramp, Spike, Steady
from opsctl.core.errors import UsageError

BOOK = job(
    {"feed": FEED},
    arrivals=[
        {"shape": "ramp", "start": 100, "end": 1000, "duration": "3s"},
        {"shape": "poisson", "rate": 1000, "duration": "30s"},
        {"shape": "spike", "base": 10, "peak": 500, "duration": "3s", "peak_duration": "1s"},
    ],
    gates=["rate >= 990/s", "goodput > 500", "p99 < 500ms"],
).book


def test_a_rate_is_the_highest_one_and_all_others_follow():
    """Gates for rates too, others not."""
    book = adjusted(BOOK, Adjustments(rate=100))
    ramp, steady, spike = book.arrivals
    assert isinstance(ramp, Ramp)
    assert isinstance(steady, Steady)
    assert isinstance(spike, Spike)
    assert (ramp.start, ramp.end, steady.rate, spike.base, spike.peak) == (10, 100, 100, 1, 50)
    assert book.gates == ["rate >= 99/s", "goodput > 50/s", "p99 < 500ms"]


def test_a_duration_is_that_of_the_whole_plan():
    """Phases keep their proportion."""
    book = adjusted(BOOK, Adjustments(duration="12s"))
    assert book.duration_seconds == pytest.approx(12, abs=0.01)
    assert isinstance(book.arrivals[0], Ramp)
    assert book.arrivals[0].duration == "1.000s"


def test_nothing_said_changes_nothing():
    """The book is the book."""
    assert adjusted(BOOK, Adjustments()) == BOOK


def test_gates_of_the_command_line_stand_instead_of_those_of_the_book():
    """They are meant as they are written, also with another rate."""
    assert adjusted(BOOK, Adjustments(rate=10, gates=["rate >= 990/s"])).gates == ["rate >= 990/s"]


def test_every_wrong_gate_is_named():
    """All at once."""
    with pytest.raises(UsageError) as caught:
        adjusted(BOOK, Adjustments(gates=["p99 < 5", "p99 < 5s", "nonsense"]))
    assert (caught.value.code, len(caught.value.findings)) == ("BEN030", 2)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (Adjustments(rate=1e9), "BEN046"),
        (Adjustments(rate=float("nan")), "BEN046"),
        (Adjustments(duration="0s"), "BEN046"),
        (Adjustments(duration="99999d"), "BEN046"),
        (Adjustments(duration="soon"), "BEN014"),
        (Adjustments(users=10**9), "BEN046"),
        (Adjustments(connections=10**6), "BEN046"),
        (Adjustments(target="ftp://x"), "BEN046"),
    ],
)
def test_values_out_of_bounds_are_refused_as_in_a_book(changes, code):
    """Nothing is started."""
    with pytest.raises(UsageError) as caught:
        adjusted(BOOK, changes)
    assert caught.value.code == code
    assert isinstance(BOOK, LoadBook)
