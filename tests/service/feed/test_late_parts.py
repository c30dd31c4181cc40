"""Whom a stage waited for when its time was over: the dependency's breaker hears of it, and no reader who went away."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.service.feed.test_tiers import REQUEST, Scene, gone

from opsctl.core.errors import NotReadyError
from opsctl.service.feed.simple_feed import NothingSimpleError, SimpleFeeds
from opsctl.service.model import Feed, FeedRequest, Tier
from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import BreakerOptions, BreakerState
from opsctl.service.resilience.deadline import deadline_within, ending_within
from opsctl.service.resilience.guard import Guard
from opsctl.service.turns import Turns


def guard(*, timeout_seconds: float) -> Guard:
    """Return a guard whose breaker opens at the third failure in a row, for a minute."""
    options = BreakerOptions(slow_seconds=10.0, consecutive_failures=3, open_seconds=60, open_seconds_most=60)
    breaker = CircuitBreaker("vectors", options, now=lambda: 0.0, random=lambda: 0.5)
    return Guard(breaker, turns=Turns(at_once=8), timeout_seconds=timeout_seconds)


async def ask_in_vain(guarded: Guard) -> None:
    """Wait for a dependency that never answers."""
    async with guarded.call():
        await asyncio.sleep(60)


class Slow:
    """Stages of a reader of whom nothing is known; the search never ends, and what comes before it takes its time."""

    def __init__(self, guarded: Guard, *, prior_seconds: float) -> None:
        self._guarded = guarded
        self._prior_seconds = prior_seconds
        self.readers = self.priors = self.retriever = self

    async def of(self, *_who: Any, **_where: Any) -> Any:
        """Return a reader, or after a while a vector."""
        if _where:
            await asyncio.sleep(self._prior_seconds)
            return np.ones(4, np.float32)
        return SimpleNamespace(vector=None, region=None, hidden=frozenset(), segment="cold")

    async def retrieve(self, *_what: Any, **_how: Any) -> None:
        """Search in vain."""
        await ask_in_vain(self._guarded)


@pytest.mark.parametrize(("prior_seconds", "part_seconds"), [(0.0, 0.1), (0.04, 0.125)])
def test_a_search_that_ends_with_its_part_of_a_simple_feed_is_a_failure_of_the_vectors(
    prior_seconds: float, part_seconds: float
) -> None:
    """The part is as long as the call, or what came before it took a part of the time."""
    guarded = guard(timeout_seconds=0.1)
    feeds = SimpleFeeds(
        Slow(guarded, prior_seconds=prior_seconds),  # type: ignore[arg-type]
        trending=None,  # type: ignore[arg-type]
        part_seconds=part_seconds,
        diversity=0.3,
    )

    async def story() -> BreakerState:
        for _ in range(3):
            with pytest.raises(NothingSimpleError):
                await feeds.build(FeedRequest(user_id=7, limit=3))
        return guarded.breaker.state

    assert asyncio.run(story()) is BreakerState.OPEN


def test_a_dependency_that_takes_a_whole_feeds_time_is_told_to_its_breaker(tmp_path: Path) -> None:
    """What is kept back for the lower tiers is no time that it had; the request itself ends in time all the same."""
    scene = Scene(tmp_path, request_seconds=0.4)
    guarded = guard(timeout_seconds=0.3)

    async def build(request: FeedRequest) -> Feed:
        await ask_in_vain(guarded)
        raise AssertionError

    scene.whole.build = build  # type: ignore[method-assign]

    async def story() -> list[Feed]:
        return [await scene.feeds.build(REQUEST) for _ in range(3)]

    answers = asyncio.run(story())
    assert {(answer.tier, answer.reason) for answer in answers} == {(Tier.SIMPLE, "deadline")}
    assert guarded.breaker.state is BreakerState.OPEN


@pytest.mark.parametrize(
    ("fails", "expected"),
    [(lambda: asyncio.sleep(60), TimeoutError), (lambda: _fail_after(0.04), TimeoutError)],
)
def test_a_stage_that_fails_when_its_time_is_over_was_late(
    fails: Callable[[], Coroutine[Any, Any, None]], expected: type[Exception]
) -> None:
    """Whether it was called off or gave up by itself, it is one reason: the limit of requests at once has to fall."""

    async def story() -> None:
        with deadline_within(0.06):
            async with ending_within(10.0, reserve_seconds=0.03):
                await fails()

    with pytest.raises(expected):
        asyncio.run(story())


def test_a_stage_that_fails_before_keeps_its_error() -> None:
    """It says which dependency is gone."""

    async def story() -> None:
        async with ending_within(10.0):
            raise gone("COL001")

    with pytest.raises(NotReadyError):
        asyncio.run(story())


async def _fail_after(seconds: float) -> None:
    await asyncio.sleep(seconds)
    raise gone("COL001")
