"""How does work that must not stop half-way outlive the request that began it: tasks that a timeout cannot cancel."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Unbroken:
    """Work under way; half of it would leave an engine process behind that holds its shard for ever."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Wait for the work; when the caller is cancelled, the work goes on."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def wait(self) -> None:
        """Wait until nothing is under way; what became of it is known to those who began it."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
