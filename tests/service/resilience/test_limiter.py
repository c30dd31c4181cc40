"""The adaptive limit: who is refused, and how it follows what the service can do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.service.cache.clocks import Time

from opsctl.service.resilience.limiter import AdaptiveLimit, LimitOptions, Priority, next_limit

CRITICAL, LIVE, BATCH = Priority.CRITICAL, Priority.LIVE, Priority.BATCH


def _limit(**options) -> tuple[AdaptiveLimit, Time]:
    time = Time()
    return AdaptiveLimit(LimitOptions(**options), now=time), time


def _fill(limit: AdaptiveLimit, priority: Priority) -> int:
    admitted = 0
    while limit.acquire(priority):
        admitted += 1
    return admitted


def _work(limit: AdaptiveLimit, time: Time, *, seconds: float, base: float, capacity: int) -> None:
    """Ask for as much as is let in; beyond its capacity the service takes proportionally longer (Little's law)."""
    end = time() + seconds
    while time() < end:
        admitted = _fill(limit, CRITICAL)
        took = base * max(1.0, admitted / capacity)
        time.pass_by(took)
        for _ in range(admitted):
            limit.release(took, was_dropped=False)


def test_batch_is_refused_before_live_and_live_before_critical():
    """Of twenty: ten for batch, eighteen for readers, all for what is critical."""
    limit, _ = _limit(initial=20)

    assert _fill(limit, BATCH) == 10
    assert _fill(limit, LIVE) == 8
    assert not limit.acquire(BATCH)
    assert _fill(limit, CRITICAL) == 2
    assert not limit.acquire(LIVE)
    assert limit.in_flight == 20


def test_even_the_smallest_limit_lets_each_kind_in_when_idle():
    """One place: nobody starves for being a share of it."""
    limit, _ = _limit(initial=1, least=1)
    for priority in Priority:
        assert limit.acquire(priority)
        limit.release(None, was_dropped=False)


def test_a_step_is_that_of_gradient2():
    """100 as fast as ever: 100 + 0.2 * 10; three times as slow: 100 + 0.2 * (50 + 10 - 100)."""
    options = LimitOptions()

    assert next_limit(100, short=0.1, long=0.1, options=options) == pytest.approx(102)
    assert next_limit(100, short=0.15, long=0.1, options=options) == pytest.approx(102)
    assert next_limit(100, short=0.2, long=0.1, options=options) == pytest.approx(97)
    assert next_limit(100, short=0.3, long=0.1, options=options) == pytest.approx(92)
    assert next_limit(100, short=9.9, long=0.1, options=options) == pytest.approx(92)


def test_it_does_not_grow_for_requests_that_do_not_need_it():
    """A quarter of the limit in use shows nothing about more."""
    limit, time = _limit(initial=40)
    for _ in range(1000):
        for _ in range(10):
            assert limit.acquire(LIVE)
        time.pass_by(0.05)
        for _ in range(10):
            limit.release(0.05, was_dropped=False)

    assert limit.limit == 40


@pytest.mark.slow
@settings(max_examples=15)
@given(capacity=st.integers(20, 100), base=st.floats(0.005, 0.03), slower=st.integers(5, 10))
def test_it_falls_when_requests_take_longer_and_grows_when_they_no_longer_do(capacity, base, slower):
    """A service loses most of its capacity for half a minute, and gets it back."""
    limit, time = _limit()
    _work(limit, time, seconds=30, base=base, capacity=capacity)
    well = limit.limit
    _work(limit, time, seconds=30, base=base, capacity=capacity // slower)
    ill = limit.limit
    _work(limit, time, seconds=60, base=base, capacity=capacity)

    assert well >= 0.8 * capacity
    assert ill < 0.6 * well
    assert limit.limit >= 0.8 * capacity


def test_a_clock_that_goes_back_does_not_end_learning():
    """A sample begins anew, and the next one counts."""
    limit, time = _limit()
    time.pass_by(-1e6)
    _work(limit, time, seconds=10, base=0.02, capacity=100)

    assert limit.limit > 32


def test_what_was_learnt_in_a_long_overload_is_soon_unlearnt():
    """Minutes at fifty times the usual; half a minute after, three times the usual is slow again."""
    limit, time = _limit(initial=40, least=40, most=40)
    _work(limit, time, seconds=300, base=1.0, capacity=40)
    learnt = limit._long._value
    _work(limit, time, seconds=15, base=0.02, capacity=40)

    assert learnt == pytest.approx(1.0)
    assert limit._long._value < 3 * 0.02


def test_requests_that_run_out_of_time_together_cut_it_once():
    """A tenth less; the next ones, a sample later, another tenth."""
    limit, time = _limit(initial=100)
    for _ in range(2):
        for _ in range(40):
            assert limit.acquire(LIVE)
        for _ in range(40):
            limit.release(None, was_dropped=True)
        time.pass_by(0.25)

    assert limit.limit == 81


def test_in_a_total_outage_it_falls_to_the_least_and_comes_back():
    """Nothing answers in time for a minute; then all does."""
    limit, time = _limit(initial=100, least=5)
    for _ in range(120):
        for _ in range(_fill(limit, LIVE)):
            limit.release(None, was_dropped=True)
        time.pass_by(0.5)
    assert limit.limit == 5
    _work(limit, time, seconds=30, base=0.02, capacity=100)

    assert limit.limit >= 50


def test_a_request_that_tells_nothing_only_gives_its_place_back():
    """A client went away."""
    limit, time = _limit()
    for _ in range(1000):
        assert limit.acquire(LIVE)
        time.pass_by(0.1)
        limit.release(None, was_dropped=False)

    assert (limit.limit, limit.in_flight) == (32, 0)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 10), st.booleans()), max_size=100))
def test_whatever_the_clock_does_it_stays_between_least_and_most(steps):
    """Also for requests that took no time at all; and it still follows afterwards."""
    limit, time = _limit(initial=8, least=4, most=16)
    for step, took, was_dropped in steps:
        admitted = _fill(limit, CRITICAL)
        time.pass_by(step)
        for _ in range(admitted):
            limit.release(took, was_dropped=was_dropped)
        assert 4 <= limit.limit <= 16

    for _ in range(60):
        for _ in range(_fill(limit, LIVE)):
            limit.release(None, was_dropped=True)
        time.pass_by(1)
    assert limit.limit == 4


class LimitMachine(RuleBasedStateMachine):
    """Whatever comes and goes, nobody is let in above the part of the limit that is theirs."""

    @initialize()
    def begin(self):
        """Begin idle."""
        self.limit, self.time = _limit(initial=6, least=2, most=12)
        self.under_way = 0

    @rule(priority=st.sampled_from(Priority), times=st.integers(1, 8))
    def acquire(self, priority, times):
        """Let in while there is room, refuse otherwise."""
        share = {CRITICAL: 1.0, LIVE: 0.9, BATCH: 0.5}[priority]
        for _ in range(times):
            room = max(1, int(share * self.limit.limit))
            admitted = self.limit.acquire(priority)
            assert admitted == (self.under_way < room)
            self.under_way += admitted

    @rule(times=st.integers(1, 8), seconds=st.none() | st.floats(0, 2), was_dropped=st.booleans())
    @precondition(lambda self: self.under_way)
    def release(self, times, seconds, was_dropped):
        """Some end."""
        for _ in range(min(times, self.under_way)):
            self.limit.release(seconds, was_dropped=was_dropped)
            self.under_way -= 1

    @rule(seconds=st.floats(0, 1))
    def wait(self, seconds):
        """Let time pass."""
        self.time.pass_by(seconds)

    @invariant()
    def the_books_balance(self):
        """It knows how many are under way, and its limit has bounds."""
        assert self.limit.in_flight == self.under_way
        assert 2 <= self.limit.limit <= 12


TestLimitMachine = LimitMachine.TestCase
