"""Steps are judged by the gates, and the sender's faults are told from the service's."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.bench.load.made_up import a_job, made_report
from tests.fakes.clock import FakeClock

from opsctl.bench.capacity.model import Reading
from opsctl.bench.capacity.run import StepDone, Steps, answer_of, search_capacity, with_step_gates
from opsctl.bench.capacity.search import Answer, End, SearchPlan
from opsctl.core.errors import UsageError
from opsctl.ui.show_capacity import plot_steps, step_line, telling_steps

if TYPE_CHECKING:
    from opsctl.core.events import Event


def report(job=None, **changes):
    """Make the report of a step."""
    return made_report(job or a_job(rate=500, seconds=5), np.random.default_rng(1), **changes)


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, Answer.PASSED),
        ({"middle": 2.0}, Answer.FAILED),
        ({"starved": 0.6}, Answer.INVALID),
        ({"lag": 0.4}, Answer.INVALID),
        ({"share_sent": 0.8, "wait": 3.0}, Answer.FAILED),
        ({"share_sent": 0.8, "lag": 0.04}, Answer.INVALID),
    ],
    ids=["good", "slow", "starved", "late", "the service kept connections busy", "the sender was slow"],
)
def test_a_step_is_answered(changes, answer):
    """A service that keeps every connection busy fails; a sender that cannot send says nothing."""
    assert answer_of(report(**changes))[0] is answer


class Service:
    """A made-up service that becomes slow beyond a rate; its clock runs with the steps."""

    def __init__(self, limit):
        self.limit, self.clock, self.jobs = limit, FakeClock(), []
        self._random = np.random.default_rng(1)

    def send(self, job):
        """Answer one step."""
        self.jobs.append(job)
        self.clock.sleep(job.book.duration_seconds)
        return made_report(
            job, self._random, middle=0.002 if job.book.arrivals[0].rate <= self.limit else 2.0
        )

    def read(self):
        """Return counters that grow with time."""
        now = self.clock.monotonic()
        return Reading(seconds=now, cpu_seconds={"service": now}, memory_bytes={"service": 1}, counters={})


def test_the_capacity_of_a_service_is_found_and_told_step_by_step():
    """Between what held and what did not; with what a request cost at the highest rate that held."""
    service = Service(1500)
    told: list[Event] = []
    job = a_job(warm_up={"every_user": True}, gates=["p99 < 500ms", "rate >= 9000/s", "recall >= 0.9"])
    steps = Steps(
        send=service.send, read=service.read, clock=service.clock, listener=telling_steps(told.append)
    )

    found = search_capacity(job, workers=2, plan=SearchPlan(start=400), steps=steps)

    assert found.capacity.end is End.FOUND
    passed, failed = found.capacity.passed, found.capacity.failed
    assert passed is not None
    assert failed is not None
    assert passed <= 1500 < failed
    assert found.use is not None
    assert found.use.cpu_seconds_per_request["service"] > 0
    assert [job.book.warm_up.every_user for job in service.jobs[:2]] == [True, False]
    assert service.jobs[1].book.gates == ["p99 < 500ms"]
    done = [event for event in told if isinstance(event, StepDone)]
    assert len(done) == len(found.steps) == len(service.jobs) - 1
    assert "2 workers, 400 requests/s: passed" in step_line(done[0])
    assert any("✘" in line for line in plot_steps(found.steps))


def test_slow_steps_are_long_enough_for_their_gates():
    """An error rate below 0.1 % takes thousands of requests, p99.9 too, whatever the rate; but no step takes for ever."""
    service = Service(1e9)
    steps = Steps(send=service.send, read=service.read, clock=service.clock, seconds=5.0)
    job = a_job(gates=["error_rate < 0.1%"])
    search_capacity(job, workers=1, plan=SearchPlan(start=300, most_steps=1), steps=steps)
    search_capacity(job, workers=1, plan=SearchPlan(start=10, most_steps=1), steps=steps)
    percentile = a_job(gates=["p99.9 < 1s"])
    search_capacity(percentile, workers=1, plan=SearchPlan(start=200, most_steps=1), steps=steps)

    seconds = [job.book.duration_seconds for job in service.jobs if job.book.gates]
    assert seconds[:2] == [15, 60]
    assert seconds[2] * 200 > 3_688  # the fewest that give p99.9 an interval


def test_a_load_without_a_gate_that_can_be_missed_is_refused():
    """A gate on the rate itself is about one plan."""
    with pytest.raises(UsageError) as error:
        with_step_gates(a_job(gates=["rate >= 100/s"]).book, name="x")

    assert error.value.code == "BEN070"


def test_no_steps_are_no_plot():
    """Nothing to draw."""
    assert plot_steps([]) == []
