"""A backlog is worked off while there is one, and never for ever."""

import asyncio

import pytest

from opsctl.service.feed.backlog import work_off


@pytest.mark.parametrize(
    ("batches", "seconds", "done"),
    [([10, 10, 3, 10], 60.0, 23), ([0, 10], 60.0, 0), ([10, 10, 3], 0.0, 10)],
)
def test_batches_follow_while_they_are_full_and_there_is_time(
    batches: list[int], seconds: float, done: int
) -> None:
    """One that is not full was the last, and without any time there is still one."""

    async def story() -> int:
        left = iter(batches)

        async def batch() -> int:
            return next(left)

        return await work_off(batch, full=10, seconds=seconds, stop=asyncio.Event())

    assert asyncio.run(story()) == done


def test_whoever_is_told_to_stop_begins_no_further_batch() -> None:
    """A worker that ends has a few seconds, and no more, whatever is left to do."""

    async def story() -> int:
        stop = asyncio.Event()

        async def batch() -> int:
            stop.set()
            return 10

        return await work_off(batch, full=10, seconds=60.0, stop=stop)

    assert asyncio.run(story()) == 10
