"""One task makes, all wait."""

import asyncio

import pytest

from opsctl.service.cache.single_flight import FlightEndedError, SingleFlight


def test_many_callers_share_one_making():
    """The second caller does not begin anew; a third one after the end does."""

    async def scene():
        flights, made = SingleFlight(), []
        go = asyncio.Event()

        async def make():
            made.append(1)
            await go.wait()
            return len(made)

        callers = [asyncio.create_task(flights.run("key", make)) for _ in range(20)]
        await asyncio.sleep(0)
        go.set()
        first = await asyncio.gather(*callers)
        return first, await flights.run("key", make), len(flights)

    assert asyncio.run(scene()) == ([1] * 20, 2, 0)


def test_a_cancelled_first_caller_does_not_end_it_for_the_others():
    """The maker is a task of its own."""

    async def scene():
        flights, go = SingleFlight(), asyncio.Event()

        async def make():
            await go.wait()
            return "made"

        first = asyncio.create_task(flights.run("key", make))
        second = asyncio.create_task(flights.run("key", make))
        await asyncio.sleep(0)
        first.cancel()
        go.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    first, second = asyncio.run(scene())

    assert isinstance(first, asyncio.CancelledError)
    assert second == "made"


def test_an_error_reaches_all_waiters_and_is_not_kept():
    """The next one tries again; an error that nobody waits for is no complaint of asyncio's."""

    async def scene():
        flights = SingleFlight()

        async def fail():
            await asyncio.sleep(0)
            raise LookupError("gone")

        async def make():
            return "made"

        outcomes = await asyncio.gather(*(flights.run("key", fail) for _ in range(3)), return_exceptions=True)
        flights.start("alone", fail)
        await asyncio.sleep(0.01)
        return [type(each) for each in outcomes], await flights.run("key", make)

    assert asyncio.run(scene()) == ([LookupError] * 3, "made")


def test_closing_tells_waiters_that_it_was_called_off():
    """That is not the waiter's own cancellation."""

    async def scene():
        flights = SingleFlight()
        waiter = asyncio.create_task(flights.run("key", asyncio.Event().wait))
        await asyncio.sleep(0)
        await flights.close()
        with pytest.raises(FlightEndedError):
            await waiter
        return len(flights), flights.is_flying("key")

    assert asyncio.run(scene()) == (0, False)
