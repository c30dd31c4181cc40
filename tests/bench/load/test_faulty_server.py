import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.bench.load.sending import assert_every_arrival_has_one_outcome, job_of, send
from tests.fakes.faulty_server import FaultyServer, faulty_server

from opsctl.bench.load.tally import Outcome

ANSWERS = {
    "/ok": Outcome.OK,
    "/bad-status": Outcome.BAD_STATUS,
    "/redirect": Outcome.REDIRECT,
    "/reset": Outcome.RESET,
    "/hang-up": Outcome.RESET,
    "/cut-head": Outcome.TRUNCATED,
    "/cut-body": Outcome.TRUNCATED,
    "/cut-chunks": Outcome.TRUNCATED,
    "/reset-in-body": Outcome.TRUNCATED,
    "/too-long": Outcome.MALFORMED,
    "/two-lengths": Outcome.MALFORMED,
    "/garbage": Outcome.MALFORMED,
    "/broken-chunk": Outcome.MALFORMED,
    "/slow-head": Outcome.OK,
    "/chunked": Outcome.OK,
    "/until-close": Outcome.OK,
    "/continue-first": Outcome.OK,
    "/split": Outcome.OK,
    "/closes": Outcome.OK,
    "/no-content": Outcome.OK,
    "/never": Outcome.TIMED_OUT,
    "/never-ending-head": Outcome.TIMED_OUT,
}


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    """Return a server for all tests of this file."""
    with faulty_server() as running:
        yield running


@pytest.mark.parametrize("path", ANSWERS)
def test_what_a_server_does_wrong_is_counted_under_its_name(server: FaultyServer, path: str) -> None:
    """Every planned request gets the outcome of what the server did to it, and none is lost."""
    is_slow = ANSWERS[path] is Outcome.TIMED_OUT
    job = job_of(server.port, path, rate=200, seconds=0.1, limits={"timeout": "200ms" if is_slow else "20s"})

    tally = send(job)

    assert tally.outcomes == {ANSWERS[path].value: 20}
    assert_every_arrival_has_one_outcome(tally)


def test_faults_of_one_endpoint_do_not_touch_the_others(server: FaultyServer) -> None:
    """Good and bad answers in turns over the same few connections are told apart."""
    paths = [path for path, outcome in ANSWERS.items() if outcome is not Outcome.TIMED_OUT]
    job = job_of(server.port, *paths, rate=len(paths) * 20, seconds=0.5, limits={"connections": 7})

    tally = send(job)

    each = 10
    for path in paths:
        block = tally.endpoints[path.strip("/").replace("-", "_")]
        assert (block.planned, block.errors) == (each, 0 if ANSWERS[path] is Outcome.OK else each), path
    assert_every_arrival_has_one_outcome(tally)


def test_the_answer_to_a_head_has_no_body(server: FaultyServer) -> None:
    """A length in the answer to HEAD names the body that a GET would have."""
    tally = send(job_of(server.port, "/head-only", method="HEAD", seconds=0.2))

    assert tally.outcomes == {"ok": 20}


def test_what_is_still_out_at_the_end_is_censored_with_the_time_it_waited(server: FaultyServer) -> None:
    """A request without an answer at the end counts as an error that took at least as long as it was waited for."""
    job = job_of(
        server.port, "/never", seconds=0.2, limits={"connections": 5, "timeout": "60s", "drain": "300ms"}
    )

    tally = send(job)

    assert tally.outcomes == {"unfinished": 20}
    assert (tally.planned, tally.sent) == (20, 5)
    assert tally.timings.response.value_at(0.01) >= 300_000
    assert tally.timings.service.count == 5
    assert_every_arrival_has_one_outcome(tally)


def test_arrivals_beyond_the_bound_are_dropped_and_counted(server: FaultyServer) -> None:
    """With one connection that never answers and room for three, the others have nowhere to wait."""
    limits = {"connections": 1, "most_waiting": 3, "drain": "0s"}

    tally = send(job_of(server.port, "/never", seconds=0.2, limits=limits))

    assert tally.outcomes == {"unfinished": 4, "dropped": 16}
    assert_every_arrival_has_one_outcome(tally)


@pytest.mark.slow
def test_a_wait_for_a_connection_is_the_services_time_and_not_the_senders(server: FaultyServer) -> None:
    """One connection to a server that takes 30 ms cannot carry 100 requests a second: the queue shows it."""
    server.delays = iter([0.03] * 20)

    tally = send(job_of(server.port, "/slow", seconds=0.2, limits={"connections": 1}))

    assert tally.outcomes == {"ok": 20}
    assert tally.timings.queue_wait.value_at(0.9) > 250_000
    assert tally.timings.response.value_at(0.9) > tally.timings.service.value_at(0.9) + 250_000


@pytest.mark.slow
def test_a_server_that_goes_away_leaves_refused_requests_and_neither_a_hang_nor_a_spin() -> None:
    """After the server has ended, each arrival is refused; attempts to connect stay few."""
    with ExitStack() as closing:
        server = closing.enter_context(faulty_server())
        job = job_of(server.port, "/ok", seconds=1.0, limits={"drain": "3s"})

        cpu = time.process_time()
        tally = send(job, before=closing.close)
        cpu = time.process_time() - cpu

    assert set(tally.outcomes) <= {"refused", "reset", "ok"}
    assert tally.outcomes["refused"] >= 80
    assert tally.reasons["ok: connection refused"] == tally.outcomes["refused"]
    assert cpu < 2.0
    assert_every_arrival_has_one_outcome(tally)


def test_tier_and_stages_come_from_the_answers_own_headers(server: FaultyServer) -> None:
    """`X-Cache` sorts every answer; `Server-Timing` is read from a sample."""
    tally = send(job_of(server.port, "/timed", "/ok", rate=1000, seconds=0.3))

    assert {tier: histogram.count for tier, histogram in tally.tiers.items()} == {"MISS": 150, "HIT-L1": 150}
    assert set(tally.stages["MISS"]) == {"db", "rank"}
    database = tally.stages["MISS"]["db"]
    assert database.seconds / database.answers == pytest.approx(0.0025)
