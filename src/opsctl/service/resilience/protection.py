"""What stands between feeds and all that they depend on: a breaker for each, told apart by worker, and who may order it."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from opsctl.core.units import parse_duration
from opsctl.metrics import service as metrics
from opsctl.service.book import Judged, Resilience
from opsctl.service.model import Tier
from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import (
    BreakerOptions,
    BreakerState,
    Override,
    OverrideKind,
)
from opsctl.service.resilience.failures import DATABASE, L2, MODEL, VECTORS
from opsctl.service.resilience.guard import Guard
from opsctl.service.resilience.orders import Order, OrdersFile
from opsctl.service.resilience.retry_budget import RetryBudget
from opsctl.service.telemetry.meters import Meters
from opsctl.service.turns import Turns

_log = logging.getLogger(__name__)

# Of the time of a request: a dependency that takes longer leaves too little for the others.
_TIMEOUT_SHARE = 0.2
_SLOW_SHARE = 0.5
# Calls that wait for each turn: of more than these not even the quickest dependency answers the last in time.
_WAITING_FOR_EACH_TURN = 64
_ORDERS_SECONDS = 1.0
# A breaker that never opens: orders still isolate it, and its calls are counted.
_NEVER = BreakerOptions(
    slow_seconds=float("inf"),
    consecutive_failures=2**62,
    failure_share=2.0,
    slow_share=2.0,
    # After an order all are let through at once, and none of them can open it.
    half_open_permits=2**31,
    half_open_successes_share=0.0,
    half_open_seconds=0.001,
)
_SHOWN = {
    BreakerState.OPEN: 1.0,
    BreakerState.ISOLATED: 1.0,
    BreakerState.HALF_OPEN: 0.5,
    BreakerState.CLOSED: 0.0,
    BreakerState.FORCED_CLOSED: 0.0,
}


class Protection:
    """The breakers of one worker.

    Args:
        book: the choices.
        request_seconds: longest time for an answer.
        orders: what operators ordered; None where nobody can.
        meters: states and changes go there.
        connections: to the database that this worker may have. More calls at once would wait for one inside their time
            limit, and the database would be blamed for our own crowd.
        own_timeouts: time limits of those that have one in a place of their own, in seconds: model and L2.
        now: a monotonic clock.
    """

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        book: Resilience,
        *,
        request_seconds: float,
        orders: Path | None,
        meters: Meters,
        connections: int | None = None,
        own_timeouts: Mapping[str, float] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._book = book
        self._request_seconds = request_seconds
        self._orders = None if orders is None else OrdersFile(orders)
        self._standing: tuple[Order, ...] = ()
        self._is_damaged = False
        self._meters = meters
        self._guarded = {VECTORS: book.vectors, DATABASE: book.database}
        self._own_timeouts = own_timeouts or {}
        judged: dict[str, Judged] = {**self._guarded, MODEL: book.model, L2: book.l2}
        self.breakers = {name: self._breaker(name, each) for name, each in judged.items()}
        # Invalid answers of a model that answers in time: an outage of its own kind.
        self.model_quality = self._breaker(MODEL, book.model)
        self.tiers = {tier: self._tier_breaker(tier) for tier in (Tier.MULTI_AGENT, Tier.SIMPLE)}
        # One for each dependency: what the model brings down must not keep the vectors from being asked again.
        self.budget = RetryBudget() if book.retry_budget else None
        self.model_budget = RetryBudget() if book.retry_budget else None
        most = {DATABASE: connections or book.database.at_once}
        self._turns = {
            name: _turns(min(guarded.at_once, most.get(name, guarded.at_once)))
            for name, guarded in self._guarded.items()
        }

    def guard(self, name: str, *, timeout_seconds: float | None = None) -> Guard:
        """Return what stands before the calls of vectors or database; other time limits share breaker and turns.

        What may take longer is not slow as early: writes that all succeed would else open the breaker for feeds.
        """
        seconds = self.timeout_seconds(name) if timeout_seconds is None else timeout_seconds
        return Guard(
            self.breakers[name],
            turns=self._turns[name],
            timeout_seconds=seconds,
            slow_seconds=self._slow_seconds(self._guarded[name], timeout_seconds=seconds),
        )

    def timeout_seconds(self, name: str) -> float:
        """Return the longest wait for one call of a dependency."""
        guarded = self._guarded.get(name)
        if guarded is not None and guarded.timeout is not None:
            return parse_duration(guarded.timeout)
        return self._own_timeouts.get(name, self._request_seconds * _TIMEOUT_SHARE)

    def isolate(self, name: str, *, seconds: float, owner: str, reason: str) -> None:
        """Leave a dependency alone for a while, unless an operator ordered something else of it."""
        if not any(order.dependency == name for order in self._standing):
            until = self._now() + seconds
            self.breakers[name].override(
                Override(kind=OverrideKind.ISOLATED, owner=owner, until=until, reason=reason)
            )

    def came_back(self, name: str) -> None:
        """Hear that a dependency that was away answers again: its trial need not wait for the end of a long open time."""
        self.breakers[name].try_soon()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow orders and tell states until told to stop."""
        while not stop.is_set():
            self.follow_orders(datetime.now(UTC))
            self.tell()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _ORDERS_SECONDS)

    def follow_orders(self, now: datetime) -> None:
        """Do what operators order, from the moment at which they do."""
        standing, is_damaged = ((), False) if self._orders is None else self._orders.look(now)
        if is_damaged and not self._is_damaged:
            _log.warning("the file of orders to breakers is damaged, so it orders nothing")
        self._is_damaged = is_damaged
        if standing == self._standing:
            return
        lifted = {order.dependency for order in self._standing} - {order.dependency for order in standing}
        self._standing = standing
        for name in lifted & self.breakers.keys():
            self._override(name, None)
        for order in standing:
            if order.dependency in self.breakers:
                until = self._now() + order.seconds_left(now)
                self._override(
                    order.dependency,
                    Override(kind=order.kind, owner=order.owner, until=until, reason=order.reason),
                )

    def tell(self) -> None:
        """Set the gauges."""
        for name, breaker in self.breakers.items():
            worst = _shown(breaker)
            if name == MODEL:
                worst = max(worst, _shown(self.model_quality))
            self._meters.set(metrics.BREAKER_STATE, name, to=worst)
        for tier, breaker in self.tiers.items():
            self._meters.set(metrics.TIER_STATE, tier, to=_shown(breaker))

    def _override(self, name: str, override: Override | None) -> None:
        self.breakers[name].override(override)
        if name == MODEL:
            self.model_quality.override(override)
        said = "lifted" if override is None else f"{override.kind} by {override.owner}: {override.reason}"
        _log.warning("breaker of %s: %s", name, said)

    def _breaker(self, name: str, judged: Judged) -> CircuitBreaker:
        options = _NEVER
        if self._book.breakers:
            options = BreakerOptions(
                slow_seconds=self._slow_seconds(judged, timeout_seconds=self.timeout_seconds(name)),
                open_seconds=parse_duration(judged.open_for),
            )
        return CircuitBreaker(
            name,
            options,
            now=self._now,
            random=random.random,
            changed=self._changed,
        )

    def _slow_seconds(self, judged: Judged, *, timeout_seconds: float) -> float:
        if not self._book.breakers:
            return _NEVER.slow_seconds
        return parse_duration(judged.slow) if judged.slow else timeout_seconds * _SLOW_SHARE

    def _tier_breaker(self, tier: Tier) -> CircuitBreaker:
        never_slow = BreakerOptions(slow_seconds=float("inf"))
        options = never_slow if self._book.breakers else replace(_NEVER)
        return CircuitBreaker(tier, options, now=self._now, random=random.random)

    def _changed(self, name: str, before: BreakerState, after: BreakerState) -> None:
        self._meters.count(metrics.BREAKER_CHANGES, name, after)
        if after is BreakerState.OPEN and before is BreakerState.CLOSED:
            _log.warning("%s failed too often and is left alone for a moment", name)
        elif after is BreakerState.CLOSED:
            _log.info("%s is used again", name)


def _turns(at_once: int) -> Turns:
    return Turns(at_once=at_once, most_waiting=_WAITING_FOR_EACH_TURN * at_once)


def _shown(breaker: CircuitBreaker) -> float:
    """Return the value of the gauge; of one that would try again, but whom nobody asks, half open is what it is.

    A worker without requests would otherwise tell of an outage long after it, and an alert would never be over.
    """
    is_ready = breaker.state is BreakerState.OPEN and breaker.retry_after_seconds == 0
    return _SHOWN[BreakerState.HALF_OPEN if is_ready else breaker.state]
