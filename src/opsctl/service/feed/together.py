"""How do two things run side by side, so that the first error ends both and comes out as itself."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

First = TypeVar("First")
Second = TypeVar("Second")


async def both(
    first: Coroutine[Any, Any, First], second: Coroutine[Any, Any, Second]
) -> tuple[First, Second]:
    """Run two coroutines at once and return both results.

    A group of errors is of no use to a caller that knows what to do about a database that is gone; the first one is
    raised, the group behind it stays visible as its cause.
    """
    try:
        async with asyncio.TaskGroup() as group:
            one, other = group.create_task(first), group.create_task(second)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return one.result(), other.result()
