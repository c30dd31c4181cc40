"""How is a backlog worked off: batch after batch while they are full, and for so long only."""

import asyncio
from collections.abc import Awaitable, Callable


async def work_off(
    batch: Callable[[], Awaitable[int]], *, full: int, seconds: float, stop: asyncio.Event
) -> int:
    """Do a batch, and further ones while the last one was full and there is time; return how much was done in all.

    Args:
        batch: does the next one and returns how much it was; each uses a connection for itself, so that requests get
            theirs in between.
        full: as much as a batch does at most.
        seconds: after so long no further one is begun.
        stop: neither is one after this.
    """
    loop = asyncio.get_running_loop()
    until, total = loop.time() + seconds, 0
    while True:
        done = await batch()
        total += done
        if done < full or loop.time() >= until or stop.is_set():
            return total
