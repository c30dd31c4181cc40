"""Whatever is called, answered, ordered and waited for: what the breaker promises holds."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.service.cache.clocks import Time

from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import (
    BreakerOptions,
    BreakerState,
    Outcome,
    Override,
    OverrideKind,
    Permit,
)

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
ISOLATED, FORCED_CLOSED = BreakerState.ISOLATED, BreakerState.FORCED_CLOSED
_OWN_CHANGES = {(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED), (HALF_OPEN, OPEN)}
_ENDS_OF_ORDERS = {(ISOLATED, HALF_OPEN), (FORCED_CLOSED, CLOSED)}
_OPTIONS = BreakerOptions(slow_seconds=0.5, minimum_calls=6, consecutive_failures=3, half_open_permits=3)


@dataclass(frozen=True, kw_only=True)
class UnderWay:
    """A call that has begun: in which state, and after how many changes and orders."""

    permit: Permit
    state: BreakerState
    generation: int


class BreakerMachine(RuleBasedStateMachine):
    """One breaker and all that can happen to it; the clock goes forward only."""

    @initialize()
    def begin(self):
        """Begin closed."""
        self.time = Time(1000.0)
        self.chance = 0.5
        self.calls: list[UnderWay] = []
        self.generation = 0
        self.opened_at = 0.0
        self.openings = 0
        self.failures_in_a_row = 0
        self.was_told = False
        self.breaker = CircuitBreaker(
            "vectors", _OPTIONS, now=self.time, random=lambda: self.chance, changed=self._changed
        )

    def _changed(self, _name: str, before: BreakerState, after: BreakerState) -> None:
        ordered = after in {ISOLATED, FORCED_CLOSED}
        assert ordered or (before, after) in _OWN_CHANGES | _ENDS_OF_ORDERS
        if (before, after) == (OPEN, HALF_OPEN) and not self.was_told:
            assert self.time() >= self.opened_at + self._middle_seconds() * (1 - _OPTIONS.open_jitter) - 1e-6
        if after is OPEN:
            self.opened_at = self.time()
            self.openings += 1
        self.generation += 1
        self.failures_in_a_row = 0

    def _middle_seconds(self) -> float:
        """The least that the open time may be, but for its jitter, when calm may have begun it anew."""
        return min(_OPTIONS.open_seconds, _OPTIONS.open_seconds_most)

    @rule(chance=st.floats(0, 1, exclude_max=True))
    def roll(self, chance):
        """Chance is what it is."""
        self.chance = chance

    @rule()
    def acquire(self):
        """Who gets through depends on the state, and on nothing else."""
        state, wait = self.breaker.state, self.breaker.retry_after_seconds
        permit = self.breaker.acquire()

        assert (permit is None) == (wait > 0)
        if state in {CLOSED, FORCED_CLOSED}:
            assert permit is not None
        if state is OPEN and permit is not None:
            assert self.breaker.state is HALF_OPEN
        if permit is not None:
            self.calls.append(UnderWay(permit=permit, state=self.breaker.state, generation=self.generation))

    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    @precondition(lambda self: self.calls)
    def release(self, data, outcome):
        """Late answers change nothing; a third failure in a row opens what is closed."""
        call = self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))
        state, wait, generation = self.breaker.state, self.breaker.retry_after_seconds, self.generation
        is_late = call.generation != generation
        is_slow = self.time() - call.permit.began_seconds > _OPTIONS.slow_seconds
        left = self.breaker._trial.left
        if not is_late and outcome is not Outcome.IGNORED:
            self.failures_in_a_row = self.failures_in_a_row + 1 if outcome is Outcome.FAILURE else 0
            third = self.failures_in_a_row >= _OPTIONS.consecutive_failures
        else:
            third = False
        self.breaker.release(call.permit, outcome)

        if is_late:
            after = (self.breaker.state, self.breaker.retry_after_seconds, self.breaker._trial.left)
            assert after == (state, wait, left)
        elif outcome is Outcome.IGNORED:
            assert (self.breaker.state, self.generation) == (state, generation)
        elif state is CLOSED and third:
            assert self.breaker.state is OPEN
        elif state is HALF_OPEN and (outcome is Outcome.FAILURE or is_slow):
            assert self.breaker.state is not CLOSED
        elif state is FORCED_CLOSED:
            assert self.breaker.state is FORCED_CLOSED

    @rule(seconds=st.floats(0, 1) | st.floats(0, 50))
    def wait(self, seconds):
        """Let time pass."""
        self.time.pass_by(seconds)

    @rule()
    def wait_just_long_enough(self):
        """Let the open time pass."""
        self.time.pass_by(self.breaker.retry_after_seconds + 1e-6)

    @rule()
    def come_back(self):
        """A dependency seen to answer again is tried; an order and a closed breaker stay as they are."""
        before = self.breaker.state
        self.was_told = True
        self.breaker.try_soon()
        self.was_told = False

        assert self.breaker.state is (HALF_OPEN if before is OPEN else before)

    @rule(kind=st.sampled_from(OverrideKind), seconds=st.floats(-1, 30))
    def order(self, kind, seconds):
        """An operator decides; each order begins a new generation, the same state or not."""
        until, before = self.time() + seconds, self.breaker.state
        self.breaker.override(Override(kind=kind, owner="ada", until=until, reason="drill"))
        if until > self.time():
            assert self.breaker.state == kind.value
            self.generation += before is self.breaker.state
        else:
            assert self.breaker.standing_override is None

    @rule()
    def lift(self):
        """An operator takes back what was ordered."""
        self.breaker.override(None)

        assert self.breaker.state not in {ISOLATED, FORCED_CLOSED}

    @invariant()
    def the_trial_is_bounded(self):
        """In half-open no more are under way than there are permits."""
        state = self.breaker.state
        under_way = [call for call in self.calls if call.generation == self.generation]
        if state is HALF_OPEN:
            assert all(call.state is HALF_OPEN for call in under_way)
            assert len(under_way) + self.breaker._trial.left <= _OPTIONS.half_open_permits
            assert self.breaker._trial.left >= 0
        if state in {OPEN, ISOLATED}:
            assert not under_way

    @invariant()
    def waiting_has_an_end(self):
        """Nobody is told to wait longer than the longest open time, or the order."""
        wait = self.breaker.retry_after_seconds
        most = _OPTIONS.open_seconds_most * (1 + _OPTIONS.open_jitter)
        assert 0.0 <= wait <= most + 1e-6
        if self.breaker.state is OPEN:
            doubled = _OPTIONS.open_seconds * 2.0 ** min(60, self.openings - 1)
            assert wait <= min(_OPTIONS.open_seconds_most, doubled) * (1 + _OPTIONS.open_jitter) + 1e-6


TestBreakerMachine = BreakerMachine.TestCase
