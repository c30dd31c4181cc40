"""A running load is told of once a second, and ended early when there is a reason."""

import pickle
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
from tests.bench.load.test_requests import FEED, job

from opsctl.bench.load.gates import parse_gate
from opsctl.bench.load.histogram import Histogram
from opsctl.bench.load.model import LoadTick
from opsctl.bench.load.plan import ArrivalPlan
from opsctl.bench.load.tally import Block, Frame, Tally
from opsctl.bench.load.timeline import Timeline
from opsctl.bench.load.watch import Watch
from opsctl.core.events import Event
from opsctl.evidence.model import Verdict

PHASES = [{"shape": "constant", "rate": 100, "duration": "60s"}]
STEPS = [{"shape": "breakpoint", "start": 100, "end": 300, "steps": 3, "step_duration": "5s"}]


def frame(
    second: float, *, sent: int = 100, errors: int = 0, microseconds: float = 1000.0, process: int = 0
) -> Frame:
    """Return what a process tells at a second about the one before."""
    new = Tally(planned=sent, sent=sent)
    new.outcomes = Counter({"ok": sent - errors, "reset": errors})
    new.statuses = Counter({200: sent - errors})
    new.timings.response.record_many(np.full(sent - errors, microseconds))
    new.tiers["HIT-L1"] = Histogram()
    new.tiers["HIT-L1"].record_many(np.full(sent - errors, microseconds))
    new.blocks[int(second) - 1] = Block(planned=sent, errors=errors, response=new.timings.response)
    return Frame(
        process=process,
        seconds=second,
        in_flight=2,
        waiting=1,
        new=new,
        cpu_seconds=0.1,
        starved_seconds=0.0,
        resident_bytes=1,
    )


class Watched:
    """A watch with what it told."""

    def __init__(
        self, *, phases: Any = PHASES, gates: tuple[str, ...] = (), aborts: tuple[str, ...] = ()
    ) -> None:
        self.ticks: list[LoadTick] = []
        self.stop = ""
        book = job({"feed": FEED}, arrivals=phases).book
        self.watch = Watch(
            "test",
            arrivals=ArrivalPlan(book.arrivals, seed=1),
            gates=[parse_gate(gate) for gate in gates],
            aborts=[parse_gate(gate) for gate in aborts],
            listener=self._hear,
            stopped=lambda: self.stop,
        )

    def _hear(self, event: Event) -> None:
        assert isinstance(event, LoadTick)
        self.ticks.append(event)


def test_two_processes_make_one_tick_a_second_with_both_of_them_in_it():
    """Rates and connections of all processes together."""
    seen = Watched()
    for second in range(1, 6):
        for process in (0, 1):
            assert seen.watch(frame(second, process=process)) == ""
    assert [tick.seconds for tick in seen.ticks] == [1, 2, 3, 4, 5]
    last = seen.ticks[-1]
    assert (last.in_flight, last.waiting, last.planned_rate) == (4, 2, 100)
    assert last.achieved_rate == 200
    assert last.percentiles_seconds[0.99] < 0.0011
    assert last.total_seconds == 60


def test_a_rate_is_not_called_missed_because_one_process_has_not_told_yet():
    """The second process speaks a moment later in each second."""
    seen = Watched(aborts=("rate >= 199/s",))
    for second in range(1, 30):
        for process in (0, 1):
            assert seen.watch(frame(second + 0.001 * process, process=process)) == ""
    assert len(seen.ticks) == 29
    assert {round(tick.achieved_rate) for tick in seen.ticks[1:]} == {200}


def test_a_run_that_has_sent_everything_is_not_ended_because_it_sends_no_more():
    """Answers are waited for in peace."""
    seen = Watched(aborts=("rate >= 90/s",))
    assert not any(seen.watch(frame(second)) for second in range(1, 61))
    assert not any(seen.watch(frame(second, sent=0)) for second in range(61, 75))


def test_a_process_that_says_nothing_any_more_is_not_waited_for():
    """The others are still told of."""
    seen = Watched()
    seen.watch(frame(1, process=1))
    for second in range(1, 10):
        seen.watch(frame(second))
    assert seen.ticks[-1].seconds == 7


def test_an_abort_gate_ends_a_run_after_ten_bad_seconds_not_after_one():
    """One bad second among ten good ones is no reason yet."""
    seen = Watched(aborts=("error_rate < 20%",))
    reasons = [seen.watch(frame(second, errors=100 if second == 5 else 0)) for second in range(1, 15)]
    assert not any(reasons)
    reasons = [seen.watch(frame(second, errors=100)) for second in range(15, 26)]
    assert "`error_rate < 20%` was missed" in reasons[-1]
    (missed,) = seen.watch.missed
    assert (missed.gate, missed.is_abort, missed.verdict) == ("error_rate < 20%", True, Verdict.FAIL)


def test_a_young_run_is_not_ended_by_an_abort_gate():
    """Ten seconds are what it looks at."""
    seen = Watched(aborts=("error_rate < 20%",))
    assert not any(seen.watch(frame(second, errors=100)) for second in range(1, 10))
    assert seen.watch(frame(10, errors=100))


def test_somebody_who_wants_it_to_end_is_heard_at_the_next_frame():
    """Ctrl-C ends a run with what was measured so far."""
    seen = Watched()
    assert seen.watch(frame(1)) == ""
    seen.stop = "interrupted"
    assert seen.watch(frame(1.5)) == "interrupted"


def test_a_breakpoint_ends_at_the_first_step_that_misses_a_gate_and_names_it():
    """The step before held."""
    seen = Watched(phases=STEPS, gates=("p50 < 10ms", "rate >= 300/s"))
    reasons = [seen.watch(frame(second)) for second in range(1, 5)]
    assert not any(reasons)
    assert not seen.watch(frame(5))
    reasons = [seen.watch(frame(second, microseconds=50_000)) for second in range(6, 12)]
    assert [bool(reason) for reason in reasons] == [False, False, False, False, False, True]
    assert reasons[5] == "breakpoint 2 of 3, 200/s missed `p50 < 10ms`; breakpoint 1 of 3, 100/s held"
    assert [(check.gate, check.verdict) for check in seen.watch.missed] == [("p50 < 10ms", Verdict.FAIL)]


def test_what_was_sent_between_two_frames_is_taken_as_even():
    """Half of a second's requests were sent after half of it."""
    seen = Watched()
    for second in (1, 2):
        seen.watch(frame(second))
    assert seen.watch.timeline.sent_at(1.5) == 150
    assert seen.watch.timeline.sent_at(99) == 200
    assert seen.watch.timeline.good_at(0.0) == 0


def test_what_is_remembered_of_a_day_is_no_more_than_of_an_hour():
    """The counts of all of it stay right; those of a moment long ago are even between two others."""
    timeline = Timeline()
    made = frame(1)
    for second in range(1, 86_401):
        timeline.add(replace(made, seconds=second))
    assert len(pickle.dumps(timeline)) < 250_000
    assert timeline.sent_at(86_400) == timeline.good_at(86_400) == 8_640_000
    assert timeline.sent_at(40_000.5) == 4_000_050
