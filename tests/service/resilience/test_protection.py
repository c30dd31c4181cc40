"""What a worker tells of its breakers."""

import asyncio

import pytest
from pydantic import ValidationError

from opsctl.service.book import Resilience
from opsctl.service.resilience.breaker_model import BreakerState, Outcome
from opsctl.service.resilience.failures import DependencyError
from opsctl.service.resilience.protection import Protection
from opsctl.service.telemetry.meters import Meters


def told(protection: Protection, meters: Meters) -> float:
    """Return what the gauge says of the model."""
    protection.tell()
    value = meters.registry.get_sample_value("ranking_breaker_state", {"dependency": "model"})
    assert value is not None
    return value


def test_a_worker_whom_nobody_asks_does_not_tell_of_an_outage_for_ever() -> None:
    """Once its breaker would try again it says so, though no request comes that would try; an alert could not end else."""
    seconds = [1000.0]
    meters = Meters()
    protection = Protection(
        Resilience(), request_seconds=2, orders=None, meters=meters, now=lambda: seconds[0]
    )
    breaker = protection.breakers["model"]
    while (permit := breaker.acquire()) is not None:
        breaker.release(permit, Outcome.FAILURE)
    while_open = told(protection, meters)

    seconds[0] += breaker.retry_after_seconds + 0.001  # what is lost by rounding

    assert (while_open, told(protection, meters)) == (1.0, 0.5)
    assert breaker.state is BreakerState.OPEN


@pytest.mark.parametrize(("name", "slow_seconds"), [("model", 1.0), ("l2", 0.1), ("vectors", 0.2)])
def test_slow_is_half_of_the_time_that_a_dependency_really_has(name: str, slow_seconds: float) -> None:
    """A model that may take two seconds and takes 600 ms is not slow, and must not be left alone for ever."""
    seconds = [1000.0]
    states = []
    for share in (0.9, 1.1):
        protection = Protection(
            Resilience(),
            request_seconds=2,
            orders=None,
            meters=Meters(),
            own_timeouts={"model": 2.0, "l2": 0.2},
            now=lambda: seconds[0],
        )
        breaker = protection.breakers[name]
        for _ in range(20):
            permit = breaker.acquire()
            assert permit is not None
            seconds[0] += share * slow_seconds / 20  # side by side: twenty within the window
            permit.began_seconds = seconds[0] - share * slow_seconds
            breaker.release(permit, Outcome.SUCCESS)
        states.append(breaker.state)
    assert states == [BreakerState.CLOSED, BreakerState.OPEN]


@pytest.mark.parametrize("name", ["model", "l2"])
@pytest.mark.parametrize("key", ["at_once", "timeout"])
def test_a_limit_that_would_limit_nothing_is_refused(name: str, key: str) -> None:
    """Model and L2 have theirs elsewhere."""
    with pytest.raises(ValidationError, match="Extra inputs"):
        Resilience.model_validate({name: {key: 8 if key == "at_once" else "1s"}})


def test_a_crowd_before_one_dependency_has_an_end() -> None:
    """Sixty-four wait for each turn; one more would wait in vain."""

    async def story() -> str:
        protection = Protection(Resilience(), request_seconds=20, orders=None, meters=Meters(), connections=1)
        guard = protection.guard("database")

        async def call() -> None:
            async with guard.call():
                await asyncio.sleep(60)

        crowd = [asyncio.create_task(call()) for _ in range(65)]
        await asyncio.sleep(0)
        try:
            await call()
        except DependencyError as error:
            return error.code
        finally:
            for each in crowd:
                each.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
        return ""

    assert asyncio.run(story()) == "SVC308"
