"""Whose turn is it: so many at once, so many more who wait, and no for everybody else at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TooManyWaitError(Exception):
    """As many wait for a turn as may."""


class Turns:
    """Turns at something that only so many may use at once; `most_waiting` None lets everybody wait."""

    def __init__(self, *, at_once: int, most_waiting: int | None = None) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._most = None if most_waiting is None else at_once + most_waiting
        self._here = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a turn and have it.

        Raises:
            TooManyWaitError: too many wait already.
        """
        if self._most is not None and self._here >= self._most:
            raise TooManyWaitError
        self._here += 1
        try:
            async with self._free:
                yield
        finally:
            self._here -= 1
