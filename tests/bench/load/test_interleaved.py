"""Two services are loaded in turns: what drifts falls on both, and what differs is found."""

import numpy as np
import pytest
from tests.bench.load.made_up import a_job, made_report

from opsctl.bench.load.interleaved import Turns, mean_rate, run_interleaved, turn_of
from opsctl.bench.load.metrics import Metric
from opsctl.bench.load.phases import Steady
from opsctl.core.errors import InconclusiveError
from opsctl.evidence.model import Verdict
from opsctl.vectors.statistics import Comparison


class Services:
    """Two made-up services on one machine that becomes slower all the time."""

    def __init__(self, *, slower=1.0, drift=0.0, invalid_turns=()):
        self.slower, self.drift, self.invalid_turns = slower, drift, invalid_turns
        self.asked = []
        self._random = np.random.default_rng(1)

    def __call__(self, job):
        """Answer one turn."""
        self.asked.append((job.address.port, job.book.seed))
        turn = len(self.asked)
        factor = (self.slower if job.address.port == 2 else 1.0) * (1 + self.drift * turn)
        starved = 0.6 if turn in self.invalid_turns else 0.0
        return made_report(job, self._random, middle=0.002 * factor, starved=starved)


def compared(services, *, rounds=10, metrics=(Metric.P50,)):
    """Compare two jobs that differ in their port only."""
    jobs = (a_job(rate=100, port=1), a_job(rate=100, port=2))
    turns = Turns(rounds=rounds, turn_seconds=3, metrics=metrics)
    return run_interleaved(jobs, send=services, turns=turns)


def test_turns_go_a_b_b_a_with_the_same_requests_for_both():
    """After one uncounted turn each."""
    services = Services()
    compared(services, rounds=10)

    assert [port for port, _ in services.asked[:6]] == [1, 2, 1, 2, 2, 1]
    assert len({seed for _, seed in services.asked[2:6]}) == 1 < len({seed for _, seed in services.asked})


@pytest.mark.parametrize(("slower", "word"), [(1.2, Comparison.WORSE), (1.0, Comparison.SAME)])
def test_a_machine_that_slows_down_does_not_hide_or_make_a_difference(slower, word):
    """A drift of 40 % over the session is more than the 20 % that are looked for."""
    found = compared(Services(slower=slower, drift=0.01), rounds=12)

    assert [change.verdict for change in found.changes] == [word]
    assert found.is_interleaved
    assert found.changes[0].noise < 0.05


@pytest.mark.slow
def test_an_invalid_round_is_made_again():
    """It takes four more turns."""
    calm, disturbed = Services(), Services(invalid_turns=(4,))
    compared(calm)
    found = compared(disturbed)

    assert len(disturbed.asked) > len(calm.asked)
    assert found.verdict is Verdict.PASS


def test_too_many_invalid_rounds_end_it():
    """Nothing is said of the services."""
    with pytest.raises(InconclusiveError, match="rounds were invalid") as error:
        compared(Services(invalid_turns=range(100)))

    assert error.value.code == "BEN069"


def test_a_turn_is_a_steady_piece_of_its_load():
    """At the mean rate, without warm-up, early end or recall; gates stay, for they say what lag is allowed."""
    job = a_job(
        arrivals=[
            {"shape": "ramp", "start": 100, "end": 300, "duration": "10s"},
            {"shape": "spike", "base": 100, "peak": 900, "duration": "10s", "peak_duration": "5s"},
        ],
        abort=["error_rate < 20%"],
    )
    turn = turn_of(job, seconds=2.5, seed=9)

    assert mean_rate(job.book) == 350
    (arrivals,) = turn.book.arrivals
    assert isinstance(arrivals, Steady)
    assert (turn.book.duration_seconds, arrivals.rate, turn.book.seed) == (2.5, 350, 9)
    assert (turn.book.abort, turn.book.shadow, turn.book.gates) == ([], None, ["p99 < 500ms"])
    assert not turn.book.warm_up.every_user
