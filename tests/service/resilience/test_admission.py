"""Admission: in the order of urgency, never more than the limit, and nobody is forgotten."""

import asyncio
import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.service.resilience.admission import Admission
from opsctl.service.resilience.limiter import AdaptiveLimit, LimitOptions, Priority
from opsctl.service.resilience.saturation import LoopSaturation
from opsctl.service.turns import TooManyWaitError


def admission(*, limit: int = 4, most_waiting: int = 100, longest_wait_seconds: float = 5.0) -> Admission:
    """Return an admission whose limit does not move."""
    options = LimitOptions(initial=limit, least=limit, most=limit)
    return Admission(
        AdaptiveLimit(options, now=lambda: 0.0),
        most_waiting=most_waiting,
        longest_wait_seconds=longest_wait_seconds,
    )


def test_the_more_urgent_are_let_in_first() -> None:
    """Whoever came before them."""

    async def story() -> list[str]:
        door, entered, gate = admission(limit=1), list[str](), asyncio.Event()

        async def enter(name: str, priority: Priority) -> None:
            async with door.one(priority):
                entered.append(name)
                await gate.wait()

        tasks = []
        for name, priority in (
            ("first", Priority.LIVE),
            ("batch", Priority.BATCH),
            ("reader", Priority.LIVE),
        ):
            tasks.append(asyncio.create_task(enter(name, priority)))
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)
        return entered

    assert asyncio.run(story()) == ["first", "reader", "batch"]


def test_who_waits_too_long_or_finds_too_many_waiting_is_refused() -> None:
    """The room that is free later goes to the others."""

    async def story() -> tuple[int, int]:
        door = admission(limit=1, most_waiting=1, longest_wait_seconds=0.02)
        async with door.one(Priority.CRITICAL):
            waiting = asyncio.create_task(_enter(door))
            await asyncio.sleep(0)
            with pytest.raises(TooManyWaitError):
                await _enter(door)
            with pytest.raises(TooManyWaitError):
                await waiting
        await _enter(door)
        return door.waiting, door.limit.in_flight

    assert asyncio.run(story()) == (0, 0)


def test_who_must_not_wait_goes_in_at_once_or_not_at_all() -> None:
    """Nor past those who wait already."""

    async def story() -> list[bool]:
        door, gate, came_in = admission(limit=2), asyncio.Event(), []

        async def enter(*, may_wait: bool) -> None:
            try:
                async with door.one(Priority.CRITICAL, may_wait=may_wait):
                    came_in.append(True)
                    await gate.wait()
            except TooManyWaitError:
                came_in.append(False)

        tasks = []
        for may_wait in (False, True, False, True):
            tasks.append(asyncio.create_task(enter(may_wait=may_wait)))
            await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)
        return came_in

    assert asyncio.run(story()) == [True, True, False, True]


async def _enter(door: Admission) -> None:
    async with door.one(Priority.LIVE):
        await asyncio.sleep(0)


def test_while_the_loop_is_late_only_a_few_go_on_and_nobody_waits() -> None:
    """Those few show when it is over."""

    async def story() -> tuple[int, int]:
        saturation = LoopSaturation(most_lag_seconds=0.1)
        limit = AdaptiveLimit(LimitOptions(initial=32, least=32, most=32), now=lambda: 0.0)
        door = Admission(
            limit, most_waiting=10, longest_wait_seconds=5, is_saturated=lambda: saturation.is_saturated
        )
        saturation.note(0.3)
        async with contextlib.AsyncExitStack() as inside:
            for _ in range(4):
                await inside.enter_async_context(door.one(Priority.LIVE))
            with pytest.raises(TooManyWaitError):
                await _enter(door)
            under_way = limit.in_flight
            for _ in range(5):
                saturation.note(0.0)
            await _enter(door)
        return under_way, limit.in_flight

    assert asyncio.run(story()) == (4, 0)


def test_a_loop_that_is_kept_busy_is_seen_to_be_late() -> None:
    """And no more once it is free."""

    async def story() -> tuple[bool, bool]:
        saturation, stop = LoopSaturation(most_lag_seconds=0.05), asyncio.Event()
        watching = asyncio.create_task(saturation.run(stop))
        await asyncio.sleep(0.01)
        time.sleep(0.3)  # noqa: ASYNC251 - this is what keeps a loop busy
        await asyncio.sleep(0.01)
        was_late = saturation.is_saturated
        await asyncio.sleep(0.8)
        stop.set()
        await watching
        return was_late, saturation.is_saturated

    assert asyncio.run(story()) == (True, False)


@given(st.lists(st.tuples(st.sampled_from(list(Priority)), st.integers(0, 3), st.booleans()), max_size=40))
@settings(max_examples=60, deadline=None)
def test_never_more_than_the_limit_and_none_is_lost(comers: list[tuple[Priority, int, bool]]) -> None:
    """Some are called off while they wait or work; in the end all room is free again."""

    async def story() -> None:
        door, most = admission(limit=4, longest_wait_seconds=1.0), 0

        async def work(priority: Priority, turns: int) -> None:
            nonlocal most
            async with door.one(priority):
                most = max(most, door.limit.in_flight)
                for _ in range(turns):
                    await asyncio.sleep(0)

        tasks = []
        for priority, turns, goes_away in comers:
            task = asyncio.create_task(work(priority, turns))
            tasks.append(task)
            await asyncio.sleep(0)
            if goes_away:
                task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert most <= 4
        assert (door.waiting, door.limit.in_flight) == (0, 0)

    asyncio.run(story())
