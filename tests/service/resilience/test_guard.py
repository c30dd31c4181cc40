"""A guard: what it refuses, what it counts, and what it does not."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from opsctl.core.errors import FailedError, NotReadyError
from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import BreakerOptions, BreakerState
from opsctl.service.resilience.deadline import deadline_within
from opsctl.service.resilience.failures import DependencyError, dependency_of, is_fault_of_dependency
from opsctl.service.resilience.given_up import give_up, remembering_what_is_late
from opsctl.service.resilience.guard import Guard
from opsctl.service.turns import Turns


def guard(*, at_once: int = 8, timeout_seconds: float = 0.05) -> Guard:
    """Return a guard whose breaker opens at the third failure in a row, for a minute."""
    options = BreakerOptions(slow_seconds=10.0, consecutive_failures=3, open_seconds=60, open_seconds_most=60)
    breaker = CircuitBreaker("vectors", options, now=lambda: 0.0, random=lambda: 0.5)
    return Guard(breaker, turns=Turns(at_once=at_once), timeout_seconds=timeout_seconds)


async def call(guarded: Guard, does: Callable[[], Coroutine[Any, Any, None]]) -> str:
    """Make one call and return the code of its error, or nothing."""
    try:
        async with guarded.call():
            await does()
    except (NotReadyError, FailedError) as error:
        return error.code
    return ""


async def fine() -> None:
    """Answer at once."""


async def silent() -> None:
    """Never answer."""
    await asyncio.sleep(60)


def fails(code: str) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a call that ends with this error."""

    async def fail() -> None:
        raise NotReadyError("no", code=code)

    return fail


def test_what_gives_no_answer_is_called_off_and_counted() -> None:
    """The third time the breaker opens, and nobody waits any more."""

    async def story() -> list[str]:
        guarded = guard()
        return [await call(guarded, silent) for _ in range(4)]

    assert asyncio.run(story()) == ["SVC307", "SVC307", "SVC307", "SVC306"]


@pytest.mark.parametrize("code", ["COL005", "COL006", "DBS004", "DBS008"])
def test_a_no_to_the_caller_is_no_failure(code: str) -> None:
    """What is not there, or is malformed, says nothing of the server."""

    async def story() -> BreakerState:
        guarded = guard()
        for _ in range(10):
            assert await call(guarded, fails(code)) == code
        return guarded.breaker.state

    assert asyncio.run(story()) is BreakerState.CLOSED


def test_a_caller_that_goes_away_is_no_failure() -> None:
    """Readers close their pages all the time."""

    async def story() -> BreakerState:
        guarded = guard(timeout_seconds=60)
        for _ in range(5):
            task = asyncio.create_task(call(guarded, silent))
            await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return guarded.breaker.state

    assert asyncio.run(story()) is BreakerState.CLOSED


def test_a_request_that_had_almost_no_time_left_blames_nobody() -> None:
    """It would have been late with the fastest server."""

    async def story() -> BreakerState:
        guarded = guard(timeout_seconds=10)
        for _ in range(5):
            with deadline_within(0.005):
                assert await call(guarded, silent) == "SVC307"
        return guarded.breaker.state

    assert asyncio.run(story()) is BreakerState.CLOSED


def test_no_more_calls_at_once_than_there_is_room_for() -> None:
    """Those that wait are refused when their own time is over, and that is no failure of whom they wanted to ask."""

    async def story() -> tuple[list[str], BreakerState]:
        guarded = guard(at_once=2, timeout_seconds=60)
        with_a_turn = [asyncio.ensure_future(call(guarded, silent)) for _ in range(2)]
        await asyncio.sleep(0)
        with deadline_within(0.02):
            codes = await asyncio.gather(*(call(guarded, fine) for _ in range(4)))
        for each in with_a_turn:
            each.cancel()
        await asyncio.wait(with_a_turn)
        return list(codes), guarded.breaker.state

    codes, state = asyncio.run(story())
    assert codes == ["SVC308"] * 4
    assert state is BreakerState.CLOSED


def test_a_crowd_of_our_own_does_not_open_the_breaker() -> None:
    """Forty calls of 60 ms, five at once, have 400 ms each: the last ones get little or none of it, and blame nobody."""

    async def query() -> None:
        await asyncio.sleep(0.06)

    async def story() -> tuple[list[str], BreakerState]:
        guarded = guard(at_once=5, timeout_seconds=0.4)
        codes = await asyncio.gather(*(call(guarded, query) for _ in range(40)))
        return list(codes), guarded.breaker.state

    codes, state = asyncio.run(story())
    assert set(codes) == {"", "SVC307", "SVC308"}
    assert codes.count("") >= 15
    assert state is BreakerState.CLOSED


def test_what_fails_in_the_little_time_that_our_own_queue_left_is_no_failure() -> None:
    """The server's statement timeout is a part of that time."""

    async def story() -> tuple[float, BreakerState]:
        guarded = guard(at_once=1, timeout_seconds=0.2)

        left: list[float] = []

        async def starved() -> None:
            with suppress(NotReadyError):
                async with guarded.call() as seconds:
                    left.append(seconds)
                    await asyncio.sleep(0.75 * seconds)
                    raise NotReadyError("statement timeout", code="DBS005")

        for _ in range(3):
            first = asyncio.create_task(call(guarded, lambda: asyncio.sleep(0.13)))
            await asyncio.sleep(0)
            await starved()
            await first
        return max(left), guarded.breaker.state

    left_seconds, state = asyncio.run(story())
    assert left_seconds < 0.1
    assert state is BreakerState.CLOSED


def test_who_refuses_at_once_failed_however_little_time_was_left() -> None:
    """A server that is not there needs none to say so."""

    async def story() -> BreakerState:
        guarded = guard(timeout_seconds=60)
        for _ in range(3):
            with deadline_within(10):
                assert await call(guarded, fails("DBS001")) == "DBS001"
        return guarded.breaker.state

    assert asyncio.run(story()) is BreakerState.OPEN


def test_an_open_breaker_says_no_before_anybody_waits_for_a_turn() -> None:
    """All turns are taken by calls that will fail, too."""

    async def story() -> tuple[str, float]:
        guarded = guard(at_once=3, timeout_seconds=0.05)
        patient = Guard(guarded.breaker, turns=guarded._turns, timeout_seconds=5)
        for _ in range(3):
            await call(guarded, silent)
        for _ in range(3):
            await guarded._turns._wait()
        loop = asyncio.get_running_loop()
        began = loop.time()
        return await call(patient, fine), loop.time() - began

    code, seconds = asyncio.run(story())
    assert code == "SVC306"
    assert seconds < 1


def test_where_too_many_wait_the_next_one_is_refused_at_once() -> None:
    """It would wait in vain."""

    async def story() -> tuple[str, float]:
        guarded = guard(timeout_seconds=5)
        guarded._turns = Turns(at_once=1, most_waiting=1)
        crowd = [asyncio.create_task(call(guarded, silent)) for _ in range(2)]
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        code = await call(guarded, fine)
        for each in crowd:
            each.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)
        return code, loop.time() - began

    code, seconds = asyncio.run(story())
    assert code == "SVC308"
    assert seconds < 1


def test_what_failed_this_request_already_is_not_asked_again() -> None:
    """Others are."""

    async def story() -> tuple[str, str]:
        guarded = guard()
        with remembering_what_is_late():
            give_up(None)
            give_up("vectors")
            refused = await asyncio.create_task(call(guarded, fine))
        return refused, await call(guarded, fine)

    assert asyncio.run(story()) == ("SVC306", "")


def test_what_was_late_once_is_not_waited_for_again_in_the_same_request() -> None:
    """Its breaker is still closed: another request asks it."""

    async def story() -> list[str]:
        guarded, codes = guard(), []
        for _ in range(2):
            with remembering_what_is_late():
                codes += [await call(guarded, silent), await call(guarded, silent)]
        return codes

    assert asyncio.run(story()) == ["SVC307", "SVC306", "SVC307", "SVC306"]


def test_an_error_of_the_block_passes_as_it_is() -> None:
    """Only what the guard itself decides is its own error."""

    async def story() -> None:
        async with guard().call():
            raise KeyError("mine")

    with pytest.raises(KeyError):
        asyncio.run(story())


def test_errors_name_their_dependency() -> None:
    """By the code of the client, or by the guard."""
    refused = DependencyError("no", dependency="l2", code="SVC306", fix="")
    assert [
        dependency_of(error) for error in (fails_with("COL001"), fails_with("DBS007"), refused, KeyError())
    ] == [
        "vectors",
        "database",
        "l2",
        None,
    ]
    assert not is_fault_of_dependency(refused)


def fails_with(code: str) -> NotReadyError:
    """Return an error of a client."""
    return NotReadyError("no", code=code)
