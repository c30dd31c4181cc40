"""What an operator orders holds until it expires, and is told with its owner."""

import math

import pytest
from tests.service.resilience.breakers import Watched

from opsctl.service.resilience.breaker_model import BreakerState, Outcome, Override, OverrideKind

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
ISOLATED, FORCED_CLOSED = BreakerState.ISOLATED, BreakerState.FORCED_CLOSED


def _order(kind: OverrideKind, watched: Watched, *, seconds: float = 60) -> Override:
    return Override(kind=kind, owner="ada", until=watched.time() + seconds, reason="index is rebuilt")


def test_an_isolated_dependency_is_not_called_until_the_order_expires():
    """After it nobody knows how it is, so it is tried first."""
    watched = Watched()
    order = _order(OverrideKind.ISOLATED, watched)
    watched.breaker.override(order)
    assert watched.breaker.state is ISOLATED
    assert watched.breaker.standing_override is order
    watched.time.pass_by(59)
    assert watched.breaker.acquire() is None
    assert watched.breaker.retry_after_seconds == pytest.approx(1.0)
    watched.time.pass_by(1)

    assert sum(watched.breaker.acquire() is not None for _ in range(20)) == 5
    assert watched.breaker.state is HALF_OPEN
    assert watched.breaker.standing_override is None


def test_a_trial_that_nobody_takes_part_in_goes_on():
    """Isolated at night and first called in the morning, it is tried then."""
    watched = Watched()
    watched.breaker.override(_order(OverrideKind.ISOLATED, watched))
    watched.time.pass_by(60)
    assert watched.breaker.state is HALF_OPEN
    for _ in range(100):
        watched.time.pass_by(100)
        assert watched.breaker.state is HALF_OPEN
    watched.call(Outcome.SUCCESS, times=4)

    assert watched.breaker.state is CLOSED


def test_forced_closed_lets_everybody_through_whatever_fails():
    """The operator knows better, for a while; counts go on, and the first failure after it opens it."""
    watched = Watched()
    watched.open()
    watched.breaker.override(_order(OverrideKind.FORCED_CLOSED, watched))
    watched.call(Outcome.FAILURE, times=100)
    assert watched.breaker.state is FORCED_CLOSED
    assert watched.breaker.retry_after_seconds == 0.0
    watched.time.pass_by(60)
    assert watched.breaker.state is CLOSED
    watched.call(Outcome.FAILURE)

    assert watched.breaker.state is OPEN


def test_an_order_can_be_lifted_and_lifting_none_does_nothing():
    """None ends the order, not the breaker's own opinion."""
    watched = Watched()
    watched.breaker.override(_order(OverrideKind.FORCED_CLOSED, watched))
    watched.breaker.override(None)
    assert watched.breaker.state is CLOSED
    watched.open()
    watched.breaker.override(None)

    assert watched.breaker.state is OPEN


def test_a_longer_order_replaces_a_shorter_one_unheard():
    """The state is the same, so no change is told."""
    watched = Watched()
    watched.breaker.override(_order(OverrideKind.ISOLATED, watched, seconds=10))
    watched.breaker.override(_order(OverrideKind.ISOLATED, watched, seconds=100))
    watched.time.pass_by(50)

    assert watched.breaker.state is ISOLATED
    assert watched.changes == [(CLOSED, ISOLATED)]


def test_an_order_of_the_past_is_none():
    """Read late, it must not even isolate for a moment."""
    watched = Watched()
    watched.breaker.override(_order(OverrideKind.ISOLATED, watched, seconds=-1))

    assert watched.breaker.state is CLOSED
    assert watched.changes == []


@pytest.mark.parametrize("until", [math.inf, math.nan])
def test_an_order_without_end_cannot_be_given(until):
    """Nobody would remember it."""
    with pytest.raises(ValueError, match="needs an end"):
        Override(kind=OverrideKind.ISOLATED, owner="ada", until=until, reason="")
