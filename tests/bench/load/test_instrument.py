import math
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.bench.load.sending import assert_every_arrival_has_one_outcome, job_of, run
from tests.fakes.faulty_server import faulty_server

from opsctl.bench.load.ports import EngineResult

RATE = 100.0


def frozen_run(*, seconds: float, frozen: float, loop: str, connections: int) -> tuple[EngineResult, float]:
    """Send to a server that stands still for a while in the middle; return the result and how long it really stood."""
    with faulty_server() as server:
        server.delays = iter(lambda: 0.01, None)
        limits = {"connections": connections, "timeout": "60s", "drain": "60s"}
        job = job_of(server.port, "/slow", rate=RATE, seconds=seconds, loop=loop, limits=limits)
        is_asked: list[bool] = []

        def freeze(_frame: object) -> str:
            if not is_asked:  # at the end of the first second
                is_asked.append(True)
                server.freeze(after=0.2, seconds=frozen)
            return ""

        return run(job, watch=freeze), server.frozen_seconds


def expected_quantile(share: float, *, seconds: float, frozen: float) -> float:
    """Return the response time at a share, when arrivals during the freeze wait evenly from all of it down to nothing.

    A part f = frozen / seconds of the arrivals waits, of which w / frozen wait for less than w.
    """
    return frozen * (1 - (1 - share) * seconds / frozen)


def check_frozen(*, seconds: float, frozen: float) -> None:
    """Fail unless the open loop tells how long users waited, and the closed loop hides it."""
    with ThreadPoolExecutor() as pool:
        settings = {"seconds": seconds, "frozen": frozen}
        opened = pool.submit(frozen_run, loop="open", connections=64, **settings)
        closed = pool.submit(frozen_run, loop="closed", connections=1, **settings)
        (result, stood), (hidden, _) = opened.result(), closed.result()

    response = result.total.timings.response
    for share in (0.95, 0.98):
        expected = expected_quantile(share, seconds=seconds, frozen=stood)
        # 0.1 s and a tenth: a busy machine adds to every answer; what would be hidden is the whole of it.
        assert response.value_at(share) / 1e6 == pytest.approx(expected, rel=0.1, abs=0.1)
    assert response.largest_microseconds / 1e6 >= 0.95 * stood
    assert_every_arrival_has_one_outcome(result.total)
    assert (
        hidden.total.timings.response.value_at(0.95) / 1e6
        < expected_quantile(0.95, seconds=seconds, frozen=stood) / 3
    )


@pytest.mark.slow
def test_a_frozen_server_shows_in_an_open_loop_and_hides_in_a_closed_one() -> None:
    """Of 400 requests planned while the server stands still for a second of four, a quarter waits up to a second."""
    check_frozen(seconds=4.0, frozen=1.0)


@pytest.mark.drill
def test_a_server_frozen_for_five_of_sixty_seconds_has_a_p95_of_two() -> None:
    """One arrival in twelve waits up to five seconds, so one in twenty waits for more than two."""
    assert expected_quantile(0.95, seconds=60, frozen=5) == pytest.approx(2.0)
    check_frozen(seconds=60.0, frozen=5.0)


def fixed() -> Iterator[float]:
    """Return the same time for ever."""
    return iter(lambda: 0.03, None)


def exponential() -> Iterator[float]:
    """Return times of a server with random work."""
    source = random.Random(7)
    return iter(lambda: 0.005 + source.expovariate(1 / 0.03), None)


def bimodal() -> Iterator[float]:
    """Return times of a cache: most answers are quick, a fifth is slow."""
    source = random.Random(8)
    return iter(lambda: 0.1 if source.random() < 0.2 else 0.01, None)


def check_recovered(delays: Iterator[float]) -> None:
    """Fail unless what is recorded at each quantile is what the server itself has measured, and a little for the way."""
    with faulty_server() as server:
        server.delays = delays
        result = run(job_of(server.port, "/slow", rate=200, seconds=1.5, limits={"connections": 64}))
        truth = np.sort(server.service_seconds)

    service = result.total.timings.service
    assert service.count == truth.size == 300
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        at = math.ceil(share * truth.size) - 1
        # Ten ranks to either side: the way back is not equally long for all, so that neighbours change places.
        low, high = truth[max(0, at - 10)], truth[min(truth.size - 1, at + 10)]
        assert low * 0.999 <= service.value_at(share) / 1e6 <= high * 1.001 + 0.03
    assert service.mean_microseconds / 1e6 == pytest.approx(truth.mean(), abs=0.02)


def test_known_distributions_of_service_times_are_recovered() -> None:
    """A fixed time, an exponential one, and that of a cache, each from a server that writes down its own times."""
    with ThreadPoolExecutor() as pool:
        for checked in [pool.submit(check_recovered, delays()) for delays in (fixed, exponential, bimodal)]:
            checked.result()
