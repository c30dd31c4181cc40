"""The rate limit's arithmetic: never more than the burst and what time has brought back."""

from hypothesis import given
from hypothesis import strategies as st

from opsctl.service.edge.gcra import allowance, decide

_SECOND = 10**9
_gaps = st.lists(st.integers(0, 5 * _SECOND), min_size=1, max_size=200)


def test_a_plan_allows_its_burst_at_once_and_then_one_after_each_interval() -> None:
    """Three in a minute: three pass, the fourth waits twenty seconds."""
    plan = allowance(3, window_seconds=60)
    cell, verdicts = 0, []
    for _ in range(4):
        cell, verdict = decide(cell, now_ns=10**12, allowance=plan)
        verdicts.append(verdict)

    assert [verdict.is_allowed for verdict in verdicts] == [True, True, True, False]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0]
    assert [verdict.reset_seconds for verdict in verdicts] == [20, 40, 60, 60]
    assert verdicts[-1].retry_after_seconds == 20
    assert decide(cell, now_ns=10**12 + 20 * _SECOND, allowance=plan)[1].is_allowed


def test_headers_name_limit_and_window() -> None:
    """The policy is told as `limit;w=seconds`."""
    headers = dict(allowance(1000, window_seconds=3600).headers)

    assert headers == {b"ratelimit-limit": b"1000", b"ratelimit-policy": b"1000;w=3600"}


@given(requests=st.integers(1, 50), window=st.floats(0.5, 100), gaps=_gaps)
def test_it_agrees_with_a_bucket_that_refills_evenly(requests: int, window: float, gaps: list[int]) -> None:
    """The same requests pass as with a leaky bucket, the textbook form of the same limit."""
    plan = allowance(requests, window_seconds=window)
    now, cell = 10**15, 0
    level, seen = 0, now
    for gap in gaps:
        now += gap
        cell, verdict = decide(cell, now_ns=now, allowance=plan)
        level, seen = max(0, level - (now - seen)), now
        fits = level + plan.interval_ns <= plan.tolerance_ns
        level += plan.interval_ns if fits else 0

        assert verdict.is_allowed == fits
        assert verdict.remaining == (plan.tolerance_ns - level) // plan.interval_ns


@given(requests=st.integers(1, 50), window=st.floats(0.5, 100), gaps=_gaps)
def test_never_more_than_the_burst_and_what_time_brought_back(
    requests: int, window: float, gaps: list[int]
) -> None:
    """Between any two moments at most `burst + elapsed * rate` requests pass."""
    plan = allowance(requests, window_seconds=window)
    now, cell = 10**15, 0
    passed: list[int] = []
    for gap in gaps:
        now += gap
        cell, verdict = decide(cell, now_ns=now, allowance=plan)
        if verdict.is_allowed:
            passed.append(now)

    for first, begin in enumerate(passed):
        for count, end in enumerate(passed[first:], start=1):
            assert count <= requests + (end - begin) / _SECOND * requests / window + 1e-6


def test_a_cell_from_before_the_clock_went_back_locks_nobody_out() -> None:
    """A time further ahead than the plan can reach counts as none."""
    plan = allowance(10, window_seconds=10)

    _, verdict = decide(10**18, now_ns=5 * _SECOND, allowance=plan)

    assert verdict.is_allowed
    assert verdict.remaining == 9


def test_refused_requests_cost_nothing() -> None:
    """Hammering does not move the moment at which the next one passes."""
    plan = allowance(1, window_seconds=10)
    cell, _ = decide(0, now_ns=10**12, allowance=plan)
    for second in range(10):
        cell, verdict = decide(cell, now_ns=10**12 + second * _SECOND, allowance=plan)
        assert not verdict.is_allowed
        assert verdict.retry_after_seconds == 10 - second

    assert decide(cell, now_ns=10**12 + 10 * _SECOND, allowance=plan)[1].is_allowed
