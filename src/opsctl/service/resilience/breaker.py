"""May this dependency be called now, or has it failed so much that it is left alone for a while."""

import math
from collections.abc import Callable

from opsctl.service.resilience.breaker_model import (
    BreakerOptions,
    BreakerState,
    Outcome,
    Override,
    Permit,
)
from opsctl.service.resilience.evidence import Evidence
from opsctl.service.resilience.open_time import OpenTime
from opsctl.service.resilience.trial import Trial, Verdict

_USED = -1  # no epoch
_FOR_EVER = math.inf

Listener = Callable[[str, BreakerState, BreakerState], None]


class CircuitBreaker:
    """A breaker for the tasks of one event loop: nothing in it waits, so each method is one step.

    Each state is an epoch. What was let through in one epoch and ends in another says nothing about the present one.
    Time ends a state when somebody looks, so there is no timer. A clock that goes back makes a state begin anew then,
    which lasts no longer than the state lasts anyway.

    Args:
        now: a monotonic clock.
        random: chance from 0 up to 1, for the open time.
        changed: hears the name, the state before and the state after.
    """

    __slots__ = (
        *("_changed", "_epoch", "_evidence", "_lasts_seconds", "_now", "_open_time", "_options"),
        *("_override", "_since", "_state", "_trial", "name"),
    )

    def __init__(
        self,
        name: str,
        options: BreakerOptions,
        *,
        now: Callable[[], float],
        random: Callable[[], float],
        changed: Listener | None = None,
    ) -> None:
        self.name = name
        self._options = options
        self._now = now
        self._changed = changed
        self._state = BreakerState.CLOSED
        self._epoch = 0
        self._since = now()
        self._lasts_seconds = _FOR_EVER
        self._override: Override | None = None
        self._trial = self._new_trial()
        self._evidence = Evidence(options, now=now)
        self._open_time = OpenTime(options, random=random)

    @property
    def state(self) -> BreakerState:
        """The present state; an open one stays open until somebody asks to call after its time."""
        self._settle(self._now())
        return self._state

    @property
    def standing_override(self) -> Override | None:
        """The operator's order that holds now."""
        self._settle(self._now())
        return self._override

    @property
    def retry_after_seconds(self) -> float:
        """After how long a call may be let through; 0 where one would be now."""
        now = self._now()
        self._settle(now)
        match self._state:
            case BreakerState.CLOSED | BreakerState.FORCED_CLOSED:
                return 0.0
            case BreakerState.HALF_OPEN if self._trial.left:
                return 0.0
            case _:
                return max(0.0, self._lasts_seconds - self._elapsed_seconds(now))

    def acquire(self, slow_seconds: float | None = None) -> Permit | None:
        """Return leave to call, to be released exactly once, or None: refused.

        Args:
            slow_seconds: the call is slow if it takes longer; None for what the options say.
        """
        now = self._now()
        if self._state is BreakerState.CLOSED or self._lets_through(now):
            return Permit(
                self._epoch, now, self._options.slow_seconds if slow_seconds is None else slow_seconds
            )
        return None

    def release(self, permit: Permit, outcome: Outcome) -> None:
        """Tell how the call of a permit ended; how long it took is since `acquire`."""
        now = self._now()
        if self._state is not BreakerState.CLOSED:
            self._settle(now)
        is_late, permit.epoch = permit.epoch != self._epoch, _USED
        if is_late:
            return
        if self._state is BreakerState.HALF_OPEN:
            self._answer(permit, outcome, now)
        elif outcome is not Outcome.IGNORED:
            self._count(permit, outcome, now)

    def try_soon(self) -> None:
        """End the open time now: the dependency was seen to answer again, so the next call may try."""
        if self._state is BreakerState.OPEN:
            self._try_again(self._now())

    def override(self, override: Override | None) -> None:
        """Follow an operator's order until it expires or None lifts it."""
        now = self._now()
        self._settle(now)
        if override is not None and override.until > now:
            self._enter(
                BreakerState(override.kind), now, lasts_seconds=override.until - now, override=override
            )
        elif self._override is not None:
            self._end_override(now)

    def _lets_through(self, now: float) -> bool:
        self._settle(now)
        if self._state is BreakerState.OPEN and self._is_over(now):
            self._try_again(now)
        if self._state is BreakerState.HALF_OPEN:
            return self._trial.take()
        return self._state in {BreakerState.CLOSED, BreakerState.FORCED_CLOSED}

    def _count(self, permit: Permit, outcome: Outcome, now: float) -> None:
        self._evidence.add(failed=outcome is Outcome.FAILURE, slow=_is_slow(permit, now))
        # What was counted under an order to stay closed is judged with the first call after it.
        if self._state is BreakerState.CLOSED and self._evidence.is_bad():
            self._open(now)

    def _answer(self, permit: Permit, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.IGNORED:
            self._trial.give_back()
            return
        self._trial.answer(succeeded=outcome is Outcome.SUCCESS and not _is_slow(permit, now))
        self._follow(self._trial.verdict(), now)

    def _settle(self, now: float) -> None:
        # An open breaker waits for a call: a trial that nobody takes part in would show nothing.
        if self._state is BreakerState.OPEN or not self._is_over(now):
            return
        if self._override is not None:
            self._end_override(now)
        else:
            self._end_trial(now)

    def _end_override(self, now: float) -> None:
        if self._state is BreakerState.FORCED_CLOSED:
            self._enter(BreakerState.CLOSED, now)
        else:
            # Nobody called it while it was isolated, so nobody knows how it is.
            self._try_again(now)

    def _end_trial(self, now: float) -> None:
        verdict = self._trial.verdict_at_end()
        if verdict is Verdict.OPEN:
            self._since = now
        self._follow(verdict, now)

    def _follow(self, verdict: Verdict, now: float) -> None:
        if verdict is Verdict.PASSED:
            self._enter(BreakerState.CLOSED, now)
        elif verdict is Verdict.FAILED:
            self._open(now)

    def _open(self, now: float) -> None:
        if self._state is BreakerState.CLOSED and self._elapsed_seconds(now) >= self._options.calm_seconds:
            self._open_time.begin_anew()
        self._enter(BreakerState.OPEN, now, lasts_seconds=self._open_time.next_seconds())

    def _try_again(self, now: float) -> None:
        self._trial = self._new_trial()
        self._enter(BreakerState.HALF_OPEN, now, lasts_seconds=self._options.half_open_seconds)

    def _new_trial(self) -> Trial:
        options = self._options
        return Trial(options.half_open_permits, successes_share=options.half_open_successes_share)

    def _enter(
        self,
        state: BreakerState,
        now: float,
        *,
        lasts_seconds: float = _FOR_EVER,
        override: Override | None = None,
    ) -> None:
        before, self._state = self._state, state
        self._epoch += 1
        self._since, self._lasts_seconds = now, lasts_seconds
        self._override = override
        if state in {BreakerState.OPEN, BreakerState.ISOLATED}:
            self._evidence.clear()
        # Last, so that a listener may ask the breaker anything.
        if self._changed is not None and before is not state:
            self._changed(self.name, before, state)

    def _is_over(self, now: float) -> bool:
        return self._elapsed_seconds(now) >= self._lasts_seconds

    def _elapsed_seconds(self, now: float) -> float:
        self._since = min(self._since, now)
        return now - self._since


def _is_slow(permit: Permit, now: float) -> bool:
    # A failure may be slow, too: a third of timeouts and a third of slow answers are one slow dependency.
    return now - permit.began_seconds > permit.slow_seconds
