import asyncio
import time
from collections.abc import Callable

import pytest
import uvloop

from opsctl.bench.load.timer import LoopTimer, Timer, make_timer

Make = Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Timer]


@pytest.mark.parametrize("make", [make_timer, LoopTimer])
def test_it_rings_once_and_not_before_its_moment(make: Make) -> None:
    """A moment of the monotonic clock, also one that has passed."""

    async def ring() -> tuple[list[float], float]:
        rung: list[float] = []
        timer = make(asyncio.get_running_loop(), lambda: rung.append(time.monotonic()))
        moment = time.monotonic() + 0.0303
        timer.wake_at(moment)
        await asyncio.sleep(0.1)
        timer.wake_at(time.monotonic() - 5)
        await asyncio.sleep(0.05)
        timer.close()
        return rung, moment

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rung, moment = runner.run(ring())

    assert len(rung) == 2
    assert rung[0] >= moment - 0.001  # uvloop's own timers round to milliseconds


def test_a_new_moment_replaces_the_last_and_a_closed_timer_is_silent() -> None:
    """One alarm at a time."""

    async def ring() -> int:
        rung: list[int] = []
        timer = make_timer(asyncio.get_running_loop(), lambda: rung.append(1))
        timer.wake_at(time.monotonic() + 0.01)
        timer.wake_at(time.monotonic() + 3600)
        await asyncio.sleep(0.05)
        timer.wake_at(time.monotonic() + 0.01)
        timer.close()
        timer.close()
        await asyncio.sleep(0.05)
        return len(rung)

    assert asyncio.run(ring()) == 0
