"""A request's deadline: inner ones only shorten it, stages take what is left."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.cache.clocks import Time

from opsctl.service.resilience.deadline import deadline_within, remaining_seconds, within, without_deadline


def test_without_a_deadline_a_stage_has_its_own_cap():
    """There is nothing to share."""
    assert remaining_seconds() is None
    assert within(0.2, reserve_seconds=5.0) == 0.2


def test_a_stage_takes_what_is_left_less_the_reserve():
    """Half a second in all, 0.3 used, 0.05 kept for answering."""
    time = Time()
    with deadline_within(0.5, now=time):
        assert within(0.2, now=time) == 0.2
        time.pass_by(0.3)
        assert remaining_seconds(time) == pytest.approx(0.2)
        assert within(0.2, reserve_seconds=0.05, now=time) == pytest.approx(0.15)
        time.pass_by(0.3)
        assert remaining_seconds(time) == 0.0
        assert within(0.2, now=time) == 0.0

    assert remaining_seconds(time) is None


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), max_size=8), st.floats(0, 5), st.floats(0, 5))
def test_of_nested_deadlines_the_earliest_holds(nested, cap, reserve):
    """However they are nested, and each is over when its block is."""
    time = Time(0.0)

    def check(moments: list[float]) -> None:
        if moments:
            expected = max(0.0, min(moments) - time())
            assert remaining_seconds(time) == pytest.approx(expected)
            stage = max(0.0, min(cap, expected - reserve))
            assert within(cap, reserve_seconds=reserve, now=time) == pytest.approx(stage)

    def go_down(rest: list[tuple[float, float]], moments: list[float]) -> None:
        if not rest:
            return
        (seconds, passing), *others = rest
        inner = [*moments, time() + seconds]
        with deadline_within(seconds, now=time):
            check(inner)
            time.pass_by(passing)
            go_down(others, inner)
            check(inner)
        check(moments)

    go_down(nested, [])
    assert remaining_seconds(time) is None


def test_an_error_ends_it_too():
    """The next request in the same context has no deadline of another."""
    with pytest.raises(RuntimeError), deadline_within(1.0):
        raise RuntimeError

    assert remaining_seconds() is None


def test_requests_at_the_same_time_have_each_their_own():
    """Tasks inherit the deadline of whoever starts them, and change nobody else's."""
    time = Time()

    async def request(seconds: float) -> float | None:
        with deadline_within(seconds, now=time):
            await asyncio.sleep(0)
            return await asyncio.create_task(stage())

    async def stage() -> float | None:
        await asyncio.sleep(0)
        return remaining_seconds(time)

    async def several() -> list[float | None]:
        return list(await asyncio.gather(request(1.0), request(2.0), stage(), request(3.0)))

    assert asyncio.run(several()) == [1.0, 2.0, None, 3.0]


def test_what_others_wait_for_as_well_is_started_without_it():
    """One flight for many callers must not end with the first of them."""
    time = Time()

    async def shared() -> float | None:
        return remaining_seconds(time)

    async def first_caller() -> tuple[float | None, float | None]:
        with deadline_within(1.0, now=time):
            with without_deadline():
                flight = asyncio.create_task(shared())
            return await flight, remaining_seconds(time)

    assert asyncio.run(first_caller()) == (None, 1.0)
