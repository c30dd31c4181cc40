"""A change that was begun comes to its end, whoever loses patience with it."""

import asyncio

import pytest

from opsctl.stack.vector_node.unbroken import Unbroken


def test_work_goes_on_when_its_caller_is_cancelled() -> None:
    """The caller gets its timeout at once; `wait` returns when the work is done."""
    done: list[str] = []

    async def work(go: asyncio.Event) -> str:
        await go.wait()
        done.append("done")
        return "answer"

    async def scenario() -> None:
        unbroken, go = Unbroken(), asyncio.Event()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await unbroken.run(work(go))
        assert done == []
        go.set()
        await unbroken.wait()

    asyncio.run(scenario())

    assert done == ["done"]


def test_an_answer_and_an_error_reach_the_caller() -> None:
    """Where nobody is cancelled, it is as if the work were awaited itself."""

    async def answer() -> int:
        return 7

    async def fail() -> int:
        raise ValueError("no")

    async def scenario() -> int:
        unbroken = Unbroken()
        with pytest.raises(ValueError, match="no"):
            await unbroken.run(fail())
        return await unbroken.run(answer())

    assert asyncio.run(scenario()) == 7
