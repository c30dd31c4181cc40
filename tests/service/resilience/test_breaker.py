"""The breaker: what opens it, for how long, and how it closes again."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.service.resilience.breakers import Watched

from opsctl.service.resilience.breaker import CircuitBreaker
from opsctl.service.resilience.breaker_model import BreakerOptions, BreakerState, Outcome
from opsctl.service.resilience.open_time import OpenTime

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


def test_half_of_the_calls_failing_opens_it_once_there_are_enough():
    """Nineteen calls say nothing yet, the twentieth does."""
    watched = Watched()
    for _ in range(9):
        watched.call(Outcome.FAILURE)
        watched.call(Outcome.SUCCESS)
    watched.call(Outcome.SUCCESS)
    assert watched.breaker.state is CLOSED
    watched.call(Outcome.FAILURE)

    assert watched.changes == [(CLOSED, OPEN)]
    assert watched.breaker.acquire() is None


def test_five_failures_in_a_row_open_it_at_any_volume():
    """One call a minute never fills a window of ten seconds."""
    watched = Watched()
    for _ in range(4):
        watched.call(Outcome.FAILURE)
        watched.time.pass_by(60)
    assert watched.breaker.state is CLOSED
    watched.call(Outcome.FAILURE)

    assert watched.breaker.state is OPEN


def test_a_success_ends_a_row_of_failures():
    """Below the minimum volume, failures that are not in a row open nothing."""
    watched = Watched()
    for _ in range(3):
        watched.call(Outcome.FAILURE, times=4)
        watched.call(Outcome.SUCCESS)

    assert watched.breaker.state is CLOSED


def test_a_dependency_that_answers_but_slowly_opens_it():
    """No call fails; half of twenty take longer than they may."""
    watched = Watched(window_seconds=60)
    watched.call(Outcome.SUCCESS, times=10, seconds=0.1)
    watched.call(Outcome.SUCCESS, times=9, seconds=0.6)
    assert watched.breaker.state is CLOSED
    watched.call(Outcome.SUCCESS, seconds=0.6)

    assert watched.breaker.state is OPEN


def test_exactly_the_time_it_has_is_not_slow():
    """Only more than `slow_seconds` is."""
    watched = Watched(window_seconds=600)
    watched.call(Outcome.SUCCESS, times=100, seconds=0.5)

    assert watched.breaker.state is CLOSED


def test_timeouts_and_slow_answers_count_as_slow_together():
    """A third of each would break neither rule alone."""
    watched = Watched(window_seconds=600)
    for _ in range(6):
        watched.call(Outcome.SUCCESS)
        watched.call(Outcome.FAILURE, seconds=1.0)
        watched.call(Outcome.SUCCESS, seconds=1.0)
    watched.call(Outcome.SUCCESS)
    assert watched.breaker.state is CLOSED
    watched.call(Outcome.FAILURE, seconds=1.0)

    assert watched.breaker.state is OPEN


def test_what_is_ignored_counts_nothing():
    """Clients that go away neither open it, nor end a row of failures."""
    watched = Watched()
    watched.call(Outcome.IGNORED, times=100, seconds=1.0)
    watched.call(Outcome.FAILURE, times=4)
    assert watched.breaker.state is CLOSED
    watched.call(Outcome.IGNORED, times=100)
    watched.call(Outcome.FAILURE)

    assert watched.breaker.state is OPEN


def test_old_failures_are_forgotten():
    """Nine failures of long ago do not count with the failures of now."""
    watched = Watched(consecutive_failures=100)
    watched.call(Outcome.FAILURE, times=19)
    watched.time.pass_by(10)
    watched.call(Outcome.SUCCESS, times=11)
    watched.call(Outcome.FAILURE, times=9)

    assert watched.breaker.state is CLOSED


def test_it_refuses_until_the_open_time_has_passed_and_says_when():
    """`retry_after_seconds` counts down to the moment at which a call is let through."""
    watched = Watched(open_seconds=2.0)
    assert watched.breaker.retry_after_seconds == 0.0
    watched.open()
    assert watched.breaker.retry_after_seconds == pytest.approx(2.0)
    watched.time.pass_by(1.5)
    assert watched.breaker.retry_after_seconds == pytest.approx(0.5)
    assert watched.breaker.acquire() is None
    watched.time.pass_by(0.5)

    assert watched.breaker.state is OPEN
    assert watched.breaker.acquire() is not None
    assert watched.breaker.state is HALF_OPEN
    assert watched.breaker.retry_after_seconds == 0.0


def test_a_trial_that_goes_well_closes_it():
    """Four good answers of five permits are enough; the fifth may not even be asked for."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    watched.call(Outcome.SUCCESS, times=4)

    assert watched.changes == [(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)]
    watched.call(Outcome.FAILURE, times=4)
    assert watched.breaker.state is CLOSED, "failures from before it opened must not count"


def test_a_dependency_that_was_seen_to_answer_is_tried_at_once():
    """Its trial decides as any other; one that failed it waits longer than before, and a closed breaker stays as it is."""
    watched = Watched(open_seconds=30.0)
    watched.breaker.try_soon()
    assert watched.changes == []
    watched.open()
    watched.breaker.try_soon()
    watched.call(Outcome.FAILURE, times=2)
    assert watched.breaker.state is OPEN
    assert watched.breaker.retry_after_seconds == pytest.approx(watched.options.open_seconds_most)
    watched.breaker.try_soon()
    watched.call(Outcome.SUCCESS, times=4)

    assert watched.breaker.state is CLOSED


def test_two_failures_on_trial_open_it_for_twice_as_long():
    """Four of five can no longer be reached."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    watched.call(Outcome.FAILURE, times=2)

    assert watched.breaker.state is OPEN
    assert watched.breaker.retry_after_seconds == pytest.approx(2.0)


def test_a_slow_success_on_trial_is_no_success():
    """What still answers slowly is not well."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    watched.call(Outcome.SUCCESS, times=2, seconds=0.6)

    assert watched.breaker.state is OPEN


def test_on_trial_only_so_many_are_let_through():
    """The sixth is refused and told when the trial ends at the latest."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    permits = [watched.breaker.acquire() for _ in range(6)]

    assert [permit is not None for permit in permits] == [True] * 5 + [False]
    assert watched.breaker.retry_after_seconds == pytest.approx(5.0)


def test_an_ignored_call_on_trial_gives_its_permit_back():
    """A client that goes away must not use up the trial."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    watched.call(Outcome.IGNORED, times=50)
    assert watched.breaker.state is HALF_OPEN
    watched.call(Outcome.SUCCESS, times=4)

    assert watched.breaker.state is CLOSED


def test_permits_without_an_answer_are_lost_when_the_trial_ends():
    """Calls that hang keep it from nobody: it opens, and tries again after."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    hanging = [watched.permit() for _ in range(5)]
    watched.time.pass_by(5)
    assert watched.breaker.acquire() is None
    assert watched.breaker.state is OPEN
    for permit in hanging:
        watched.breaker.release(permit, Outcome.SUCCESS)

    assert watched.breaker.state is OPEN
    watched.wait_until_it_tries()
    assert watched.breaker.acquire() is not None


def test_a_dependency_that_is_seldom_called_can_recover():
    """One call in three seconds never uses five permits in five, and closes it all the same."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    for _ in range(3):
        watched.call(Outcome.SUCCESS, seconds=0.1)
        watched.time.pass_by(3)

    assert watched.breaker.state is CLOSED


def test_a_permit_counts_once():
    """Releasing it again does nothing, in particular gives no second permit back."""
    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()
    permit = watched.permit()
    for _ in range(10):
        watched.breaker.release(permit, Outcome.IGNORED)

    assert sum(watched.breaker.acquire() is not None for _ in range(20)) == 5


def test_an_answer_from_before_it_opened_does_not_close_it():
    """Calls under way when it opens may end well during the trial; they are of another time."""
    watched = Watched()
    early = [watched.permit() for _ in range(10)]
    watched.open()
    watched.wait_until_it_tries()
    probe = watched.permit()
    for permit in early:
        watched.breaker.release(permit, Outcome.SUCCESS)
    assert watched.breaker.state is HALF_OPEN
    watched.breaker.release(probe, Outcome.SUCCESS)

    assert watched.breaker.state is HALF_OPEN


def test_flapping_keeps_the_long_open_time_and_calm_ends_it():
    """Opened again soon, it stays open longer; after thirty seconds closed it begins anew."""
    watched = Watched()
    for expected in (1.0, 2.0, 4.0, 8.0):
        watched.open()
        assert watched.breaker.retry_after_seconds == pytest.approx(expected)
        watched.wait_until_it_tries()
        watched.call(Outcome.SUCCESS, times=4)
        watched.time.pass_by(29)
    watched.time.pass_by(1)
    watched.open()

    assert watched.breaker.retry_after_seconds == pytest.approx(1.0)


@given(
    chances=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=2000),
    base=st.floats(0.01, 50),
    most=st.floats(0.01, 100),
    jitter=st.floats(0, 0.9),
)
def test_the_open_time_doubles_up_to_the_most_within_its_jitter(chances, base, most, jitter):
    """For the n-th opening `min(most, base * 2**(n - 1))`, give or take the jitter, and no overflow after 2000."""
    options = BreakerOptions(slow_seconds=1, open_seconds=base, open_seconds_most=most, open_jitter=jitter)
    chance = iter(chances)
    times = OpenTime(options, random=lambda: next(chance))
    for number in range(len(chances)):
        seconds = times.next_seconds()
        middle = min(most, base * 2.0 ** min(number, 60))
        assert middle * (1 - jitter) * (1 - 1e-9) <= seconds <= middle * (1 + jitter) * (1 + 1e-9)


def test_of_a_hundred_callers_at_the_end_of_the_open_time_five_get_through():
    """All are there before the first has an answer."""

    async def all_at_once(watched: Watched) -> int:
        async def caller() -> bool:
            await asyncio.sleep(0)
            permit = watched.breaker.acquire()
            await asyncio.sleep(0)
            if permit is not None:
                watched.breaker.release(permit, Outcome.SUCCESS)
            return permit is not None

        return sum(await asyncio.gather(*(caller() for _ in range(100))))

    watched = Watched()
    watched.open()
    watched.wait_until_it_tries()

    assert asyncio.run(all_at_once(watched)) == 5
    assert watched.breaker.state is CLOSED


def test_an_answer_after_the_end_of_the_trial_is_too_late():
    """Also when nobody looked between the end and the answer, and such a time is not slow."""
    watched = Watched(slow_seconds=60)
    watched.open()
    watched.wait_until_it_tries()
    permits = [watched.permit() for _ in range(5)]
    watched.time.pass_by(5)
    for permit in permits:
        watched.breaker.release(permit, Outcome.SUCCESS)

    assert watched.breaker.state is OPEN


def test_a_clock_that_goes_back_keeps_it_open_no_longer_than_it_lasts():
    """Neither the open time nor the trial waits until the clock is again where it was."""
    watched = Watched(half_open_permits=1)
    watched.open()
    watched.time.pass_by(-1e6)
    assert watched.breaker.acquire() is None
    watched.time.pass_by(1)
    watched.permit()
    watched.time.pass_by(-1e6)
    assert watched.breaker.acquire() is None
    watched.time.pass_by(5)

    assert watched.breaker.state is OPEN
    watched.wait_until_it_tries()
    assert watched.breaker.acquire() is not None


_steps = st.lists(
    st.tuples(
        st.floats(-1e6, 1e6) | st.floats(-2, 2),
        st.sampled_from(Outcome),
        st.booleans(),
    ),
    max_size=80,
)


@given(_steps)
def test_whatever_the_clock_did_it_closes_again_for_a_dependency_that_is_well(steps):
    """Back or ahead, with calls that never end: half a minute and a few good calls later it is closed."""
    watched = Watched(window_seconds=10)
    for step, outcome, is_answered in steps:
        permit = watched.breaker.acquire()
        watched.time.pass_by(step)
        if permit is not None and is_answered:
            watched.breaker.release(permit, outcome)

    watched.breaker.acquire()
    longest = watched.options.open_seconds_most * (1 + watched.options.open_jitter)
    for _ in range(3):
        watched.time.pass_by(longest)
        for _ in range(5):
            permit = watched.breaker.acquire()
            if permit is not None:
                watched.breaker.release(permit, Outcome.SUCCESS)

    assert watched.breaker.state is CLOSED
    assert watched.breaker.retry_after_seconds == 0.0


def test_a_listener_may_ask_the_breaker():
    """What it is told is already so."""
    told = []

    def changed(_name: str, _before: BreakerState, after: BreakerState) -> None:
        told.append((after, breaker.state, breaker.retry_after_seconds))

    breaker = CircuitBreaker(
        "model", BreakerOptions(slow_seconds=1), now=lambda: 5.0, random=lambda: 0.5, changed=changed
    )
    for _ in range(5):
        permit = breaker.acquire()
        assert permit is not None
        breaker.release(permit, Outcome.FAILURE)

    assert told == [(OPEN, OPEN, 1.0)]
