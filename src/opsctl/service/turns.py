"""Whose turn is it: so many at once, so many more who wait, and no for everybody else at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TooManyWaitError(Exception):
    """As many wait for a turn as may, or this one has waited as long as it may."""


class Turns:
    """Turns at something that only so many may use at once; None lets everybody wait, and as long as they like."""

    def __init__(
        self, *, at_once: int, most_waiting: int | None = None, longest_wait_seconds: float | None = None
    ) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._longest_wait_seconds = longest_wait_seconds
        self._most = None if most_waiting is None else at_once + most_waiting
        self._here = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn and have it.

        Raises:
            TooManyWaitError: too many wait already, or none came free in time.
        """
        if self._most is not None and self._here >= self._most:
            raise TooManyWaitError
        self._here += 1
        try:
            await self._wait()
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._here -= 1

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._longest_wait_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise TooManyWaitError from error
