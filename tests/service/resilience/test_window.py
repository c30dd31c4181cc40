"""The window's counts against a plain list of moments."""

from hypothesis import given
from hypothesis import strategies as st
from tests.service.cache.clocks import Time

from opsctl.service.resilience.window import Window

_events = st.lists(st.tuples(st.floats(0, 3), st.booleans(), st.booleans()), max_size=150)


def test_calls_leave_the_window_a_bucket_at_a_time():
    """Ten seconds in ten buckets: what was counted in the first second is gone in the eleventh."""
    time = Time(100.0)
    window = Window(10, buckets=10, now=time)
    window.add(failed=True, slow=False)
    time.pass_by(5)
    window.add(failed=False, slow=True)

    time.pass_by(4.9)
    window.forward()
    assert (window.calls, window.failures, window.slow) == (2, 1, 1)
    time.pass_by(0.1)
    window.forward()
    assert (window.calls, window.failures, window.slow) == (1, 0, 1)


@given(_events, st.integers(1, 20), st.floats(0.5, 20))
def test_counts_are_those_of_the_seconds_that_the_window_spans(events, buckets, seconds):
    """Nothing younger than the window less one bucket is missing, nothing older than the window is there."""
    time = Time(1000.0)
    window = Window(seconds, buckets=buckets, now=time)
    seen: list[tuple[float, bool, bool]] = []
    for gap, failed, slow in events:
        time.pass_by(gap)
        window.add(failed=failed, slow=slow)
        seen.append((time(), failed, slow))

        bucket, rounding = seconds / buckets, 1e-6
        young = [event for event in seen if event[0] > time() - seconds + bucket + rounding]
        kept = [event for event in seen if event[0] >= time() - seconds - rounding]
        assert len(young) <= window.calls <= len(kept)
        assert sum(event[1] for event in young) <= window.failures <= sum(event[1] for event in kept)
        assert sum(event[2] for event in young) <= window.slow <= sum(event[2] for event in kept)


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.booleans(), st.booleans()), max_size=50))
def test_whatever_the_clock_does_a_window_later_all_is_gone(events):
    """Back, far ahead or not at all: the sums stay those of the buckets and what was counted leaves in time."""
    time = Time(0.0)
    window = Window(10, buckets=10, now=time)
    for step, failed, slow in events:
        time.pass_by(step)
        window.add(failed=failed, slow=slow)
        assert window.calls == sum(bucket[0] for bucket in window._buckets) > 0
        assert window.failures == sum(bucket[1] for bucket in window._buckets)
        assert window.slow == sum(bucket[2] for bucket in window._buckets)

    time.pass_by(10.001)
    window.forward()
    assert (window.calls, window.failures, window.slow) == (0, 0, 0)


def test_a_clock_that_stands_still_loses_nothing():
    """A thousand calls at one moment are a thousand calls."""
    window = Window(10, buckets=10, now=Time())
    for _ in range(1000):
        window.add(failed=False, slow=False)

    assert window.calls == 1000


def test_a_cleared_window_counts_from_zero():
    """Clearing leaves no bucket behind that would be taken off later."""
    time = Time()
    window = Window(10, buckets=10, now=time)
    for _ in range(30):
        window.add(failed=True, slow=True)
        time.pass_by(0.5)
    window.clear()
    window.add(failed=True, slow=False)

    assert (window.calls, window.failures, window.slow) == (1, 1, 0)
    time.pass_by(20)
    window.forward()
    assert (window.calls, window.failures, window.slow) == (0, 0, 0)
