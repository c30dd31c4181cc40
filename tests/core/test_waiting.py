"""Waiting by looking: as long as it was said, no longer, and not for what cannot come."""

from tests.fakes.clock import FakeClock

from opsctl.core.waiting import wait_until


def test_what_becomes_so_is_seen_at_the_next_look() -> None:
    """Nobody waits longer than between two looks."""
    clock = FakeClock()

    is_so = wait_until(lambda: clock.seconds >= 3.0, clock=clock, seconds=10, poll_seconds=0.5)

    assert is_so
    assert 3.0 <= clock.seconds < 3.6


def test_what_never_becomes_so_is_looked_at_a_last_time_when_the_time_is_over() -> None:
    """Also where the time is no multiple of the pause."""
    clock, looks = FakeClock(), list[float]()

    def look() -> bool:
        looks.append(clock.seconds)
        return False

    is_so = wait_until(look, clock=clock, seconds=1.2, poll_seconds=0.5)

    assert not is_so
    assert [round(look, 2) for look in looks] == [0.0, 0.5, 1.0, 1.2]


def test_what_is_so_already_costs_no_time() -> None:
    """Even where there is none."""
    clock = FakeClock()

    assert wait_until(lambda: True, clock=clock, seconds=0, poll_seconds=0.5)
    assert clock.seconds < 0.001


def test_what_cannot_come_any_more_is_not_waited_for() -> None:
    """But it is looked at first: a process may have done its work and ended."""
    clock = FakeClock()

    assert not wait_until(
        lambda: False, clock=clock, seconds=60, poll_seconds=1, may_come=lambda: clock.seconds < 3
    )
    assert clock.seconds < 4
    assert wait_until(lambda: True, clock=clock, seconds=60, poll_seconds=1, may_come=lambda: False)
