"""How is one thing made once, however many tasks ask for it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")


class FlightEndedError(Exception):
    """What was being made was called off, as on `close`; the waiter itself was not cancelled."""


class SingleFlight:
    """Runs `make` once for all who ask for a key until it is done; nothing is kept afterwards.

    The maker is a task of its own: a caller that is cancelled, the first one too, does not end it for the others.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[Any]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def run(self, key: Hashable, make: Callable[[], Awaitable[Made]]) -> Made:
        """Return what `make` returns, or raise what it raises, to every waiter."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self.start(key, make)
        result: Made = await wait_for(flight)
        return result

    def start(self, key: Hashable, make: Callable[[], Awaitable[Made]]) -> asyncio.Task[Made]:
        """Begin to make a key that nobody is making, for nobody to wait for; `run` joins in."""
        flight = asyncio.ensure_future(_run(make))
        self._flights[key] = flight
        flight.add_done_callback(lambda done: self._landed(key, done))
        return flight

    def when_made(self, key: Hashable, hear: Callable[[Any], None]) -> None:
        """Tell of what is being made once it is there; not of what fails, is called off, or is not being made."""

        def landed(flight: asyncio.Task[Any]) -> None:
            if not flight.cancelled() and flight.exception() is None:
                hear(flight.result())

        flight = self._flights.get(key)
        if flight is not None:
            flight.add_done_callback(landed)

    def is_flying(self, key: Hashable) -> bool:
        """Tell whether the key is being made."""
        return key in self._flights

    async def close(self) -> None:
        """Call off what is being made and wait until it has ended."""
        flights = tuple(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)

    def _landed(self, key: Hashable, flight: asyncio.Task[Any]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            # Whoever still waits gets it; when nobody does, asyncio must not complain about it.
            flight.exception()


async def wait_for(flight: "asyncio.Future[Made]") -> Made:
    """Wait for what others make, without ending it when the waiter is cancelled.

    Raises:
        FlightEndedError: the making was called off, which must not look like a cancellation of the waiter.
    """
    try:
        return await asyncio.shield(flight)
    except asyncio.CancelledError:
        waiter = asyncio.current_task()
        if flight.cancelled() and waiter is not None and not waiter.cancelling():
            raise FlightEndedError("what was waited for was called off") from None
        raise


async def _run(make: Callable[[], Awaitable[Made]]) -> Made:
    return await make()
