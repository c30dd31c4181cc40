"""How much time has this request left, and how much of it may the next stage take.

What leaves this module are durations. The loop of uvloop keeps a clock of its own, in whole milliseconds and read once a
turn, so a moment of `time.monotonic` means something else to `asyncio.timeout_at`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

from opsctl.core.errors import OpsError

# So much later than its deadline a stage is called off: guards inside end their calls first, and say whom they waited
# for. Called off at the same moment, a dependency that is late would look like a caller that went away.
_GRACE_SECONDS = 0.02

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline_within(seconds: float, *, now: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Have what runs inside end within so long; inside another deadline, the earlier of the two holds.

    Tasks that are started inside have the same deadline.
    """
    moment, outer = now() + seconds, _deadline.get()
    with _deadline_at(moment if outer is None else min(moment, outer)):
        yield


@contextmanager
def without_deadline() -> Iterator[None]:
    """Start tasks that others wait for as well, or nobody: the request that began them must not end them."""
    with _deadline_at(None):
        yield


def remaining_seconds(now: Callable[[], float] = time.monotonic) -> float | None:
    """Return what is left of the request's time, 0 when it is over; None without a deadline."""
    moment = _deadline.get()
    return None if moment is None else max(0.0, moment - now())


def within(
    cap_seconds: float, *, reserve_seconds: float = 0.0, now: Callable[[], float] = time.monotonic
) -> float:
    """Return the time a stage may take: its own cap, or what is left when the reserve for later stages is kept."""
    remaining = remaining_seconds(now)
    return max(0.0, cap_seconds if remaining is None else min(cap_seconds, remaining - reserve_seconds))


@asynccontextmanager
async def ending_within(cap_seconds: float, *, reserve_seconds: float = 0.0) -> AsyncIterator[None]:
    """Have a stage end within its time, as `within` measures it, and all that it calls a moment earlier.

    Raises:
        TimeoutError: the time is over, also where the stage itself failed for that.
    """
    seconds, began = within(cap_seconds, reserve_seconds=reserve_seconds), time.monotonic()
    try:
        with deadline_within(seconds):
            async with asyncio.timeout(seconds + _GRACE_SECONDS):
                yield
    except OpsError as error:
        if time.monotonic() - began < seconds:
            raise
        raise TimeoutError from error


@contextmanager
def _deadline_at(moment: float | None) -> Iterator[None]:
    token = _deadline.set(moment)
    try:
        yield
    finally:
        _deadline.reset(token)
