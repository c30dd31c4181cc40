"""What a worker tells of its breakers."""

import asyncio
from contextlib import AsyncExitStack

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


@pytest.mark.parametrize(
    ("slow", "timeout_seconds", "takes_seconds", "state"),
    [
        (None, 1.8, 0.25, BreakerState.CLOSED),
        (None, 1.8, 0.95, BreakerState.OPEN),
        (None, None, 0.25, BreakerState.OPEN),
        ("100ms", 1.8, 0.25, BreakerState.OPEN),
    ],
)
def test_what_may_take_longer_is_slow_later(
    slow: str | None, timeout_seconds: float | None, takes_seconds: float, state: BreakerState
) -> None:
    """Bulk writes of 250 ms that all succeed within 1.8 s do not have the database left alone, unless the book says so."""
    seconds = [1000.0]
    protection = Protection(
        Resilience.model_validate({"database": {"slow": slow}}),
        request_seconds=2,
        orders=None,
        meters=Meters(),
        now=lambda: seconds[0],
    )
    guard = protection.guard("database", timeout_seconds=timeout_seconds)

    async def story() -> BreakerState:
        # More than the window holds one after the other, so that they are begun side by side.
        async with AsyncExitStack() as calls:
            for _ in range(25):
                await calls.enter_async_context(guard.call())
            seconds[0] += takes_seconds
        return protection.breakers["database"].state

    assert asyncio.run(story()) is state


def test_a_trial_is_passed_by_calls_that_may_take_longer() -> None:
    """Else a breaker that only such calls ask stays open for good."""
    seconds = [1000.0]
    protection = Protection(
        Resilience(), request_seconds=2, orders=None, meters=Meters(), now=lambda: seconds[0]
    )
    breaker = protection.breakers["database"]
    guard = protection.guard("database", timeout_seconds=1.8)
    while (permit := breaker.acquire()) is not None:
        breaker.release(permit, Outcome.FAILURE)
    seconds[0] += breaker.retry_after_seconds + 0.001

    async def story() -> None:
        for _ in range(5):
            async with guard.call():
                seconds[0] += 0.25

    asyncio.run(story())
    assert breaker.state is BreakerState.CLOSED


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
