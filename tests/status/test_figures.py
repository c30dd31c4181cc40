"""Figures from two readings: rates, quantiles, shares and states, whatever happened in between."""

import doctest
import math
from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.clients.exposition import Sample, parse_samples
from opsctl.status import figures
from opsctl.status.figures import Reading, quantile, signals

BEFORE = """
ranking_workers 2
ranking_worker_cpu_seconds_total 10
ranking_requests_total{route="feed",status="2xx"} 100
ranking_requests_total{route="feed",status="5xx"} 4
ranking_requests_total{route="metrics",status="2xx"} 50
ranking_request_duration_seconds_bucket{route="feed",le="0.1"} 90
ranking_request_duration_seconds_bucket{route="feed",le="0.2"} 104
ranking_request_duration_seconds_bucket{route="feed",le="+Inf"} 104
ranking_request_duration_seconds_bucket{route="metrics",le="0.1"} 0
ranking_request_duration_seconds_bucket{route="metrics",le="0.2"} 50
ranking_request_duration_seconds_bucket{route="metrics",le="+Inf"} 50
ranking_cache_lookups_total{tier="l1",kind="feed",outcome="hit"} 10
ranking_cache_lookups_total{tier="l1",kind="feed",outcome="miss"} 10
ranking_feeds_total{tier="multi_agent",segment="cold"} 5
"""
AFTER = """
ranking_workers 2
ranking_worker_cpu_seconds_total 12
ranking_requests_total{route="feed",status="2xx"} 138
ranking_requests_total{route="feed",status="5xx"} 6
ranking_requests_total{route="metrics",status="2xx"} 90
ranking_request_duration_seconds_bucket{route="feed",le="0.1"} 120
ranking_request_duration_seconds_bucket{route="feed",le="0.2"} 144
ranking_request_duration_seconds_bucket{route="feed",le="+Inf"} 144
ranking_request_duration_seconds_bucket{route="metrics",le="0.1"} 0
ranking_request_duration_seconds_bucket{route="metrics",le="0.2"} 90
ranking_request_duration_seconds_bucket{route="metrics",le="+Inf"} 90
ranking_cache_lookups_total{tier="l1",kind="feed",outcome="hit"} 37
ranking_cache_lookups_total{tier="l1",kind="feed",outcome="stale"} 3
ranking_cache_lookups_total{tier="l1",kind="feed",outcome="miss"} 20
ranking_feeds_total{tier="multi_agent",segment="cold"} 8
ranking_feeds_total{tier="trending",segment="cold"} 1
ranking_pool_connections{state="busy"} 3
ranking_pool_connections{state="idle"} 2
ranking_pool_waiting 1
ranking_outbox_lag 7
ranking_requests_in_flight 4
ranking_dependency_up{dependency="vectors"} 1
ranking_dependency_up{dependency="database"} 0
ranking_breaker_state{dependency="l2"} 1
"""


def reading(text, *, at):
    """Return what an address would have exposed."""
    return Reading(at=at, samples=parse_samples(text))


def between(before=BEFORE, after=AFTER, *, seconds=4.0):
    """Return the figures between two texts."""
    return signals(reading(before, at=100.0), reading(after, at=100.0 + seconds))


def test_the_example_in_the_docstring_holds():
    """It is what a reader copies."""
    assert doctest.testmod(figures).failed == 0


def test_golden_signals_are_what_changed_over_the_time_between():
    """Of what readers ask for: scrapes and probes do not count."""
    found = between()

    assert found.rate == 10.0
    assert found.error_ratio == 2 / 40
    assert found.latency_seconds[0.5] == pytest.approx(0.1 * 20 / 30)
    assert found.latency_seconds[0.99] == pytest.approx(0.1 + 0.1 * 9.6 / 10)
    assert found.hit_ratio == {"l1": 30 / 40}
    assert found.tiers["multi_agent"] == 3 / 4
    assert found.worker_use == 2 / 4 / 2


def test_states_are_those_of_the_second_reading():
    """And what is wrong with them is said in words."""
    found = between()

    assert (found.pool_busy, found.pool_idle, found.pool_waiting) == (3, 2, 1)
    assert (found.outbox_lag, found.in_flight, found.workers) == (7, 4, 2)
    assert found.dependencies == {"vectors": True, "database": False}
    assert found.breakers == {"l2": True}
    assert found.problems == (
        "database does not answer",
        "the breaker of l2 is open",
        "5.0% of the requests fail",
    )


def test_a_quiet_time_gives_no_ratio_instead_of_a_wrong_one():
    """Nothing over nothing is neither 0 nor 1."""
    found = between(AFTER, AFTER)

    assert (found.rate, found.error_ratio, found.latency_seconds[0.99]) == (0.0, None, None)
    assert (found.hit_ratio, found.tiers, found.generation_seconds) == ({}, {}, None)
    assert found.worker_use == 0.0


def test_after_a_restart_counters_begin_at_zero():
    """A rate is never negative."""
    found = between(AFTER, BEFORE)

    assert found.rate == 104 / 4
    assert found.error_ratio == 4 / 104


def test_a_service_that_was_not_there_before_counts_from_zero():
    """Its first requests are no outlier of all time."""
    assert between("", AFTER).rate == 144 / 4


def test_readings_at_one_moment_give_no_division_by_zero():
    """A clock may be coarse."""
    assert math.isfinite(between(seconds=0.0).rate)


def test_samples_that_are_no_numbers_are_left_out():
    """One NaN would make every sum one."""
    found = between(
        BEFORE, AFTER + 'ranking_requests_total{route="feed",status="3xx"} NaN\nranking_pool_waiting +Inf\n'
    )

    assert found.rate == 10.0
    assert found.pool_waiting == 1


def test_only_the_ranking_service_is_taken_for_it():
    """Something else may listen at its address."""
    assert reading(AFTER, at=0).is_of_service
    assert not reading("up 1\n", at=0).is_of_service
    assert not reading("", at=0).is_of_service


BOUNDS = (0.01, 0.1, 0.5, 1.0, math.inf)


@given(st.lists(st.floats(min_value=0.0, max_value=3.0), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values, share):
    """Buckets know no more than that; what lies above the last bound is told as that bound."""
    buckets = {bound: float(sum(value <= bound for value in values)) for bound in BOUNDS}

    found = quantile(buckets, share)

    true = sorted(values)[max(0, math.ceil(round(share * len(values), 9)) - 1)]
    position = bisect_left(BOUNDS, true)
    low = BOUNDS[position - 1] if position else 0.0
    high = BOUNDS[position]
    assert found is not None
    assert low <= found <= (low if math.isinf(high) else high) + 1e-9


@given(st.lists(st.integers(0, 20), min_size=5, max_size=5), st.floats(0.01, 1), st.floats(0.01, 1))
def test_quantiles_grow_with_their_share(counts, one, other):
    """A p50 above the p99 would be nonsense on any screen."""
    total, buckets = 0.0, {}
    for bound, count in zip(BOUNDS, counts, strict=True):
        total += count
        buckets[bound] = total

    low, high = quantile(buckets, min(one, other)), quantile(buckets, max(one, other))

    assert (low is None) == (high is None) == (total == 0)
    assert low is None or high is None or low <= high + 1e-9


@given(st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1e6)), st.floats(0, 1e6))
def test_a_counter_never_gives_a_negative_rate(values, before):
    """However often its process was restarted."""
    name = "ranking_requests_total"
    labels = {"route": "feed"}
    old = Reading(at=0, samples=[Sample(name=name, labels=labels, value=before)])
    new = Reading(
        at=1,
        samples=[
            Sample(name=name, labels=labels | {"status": key}, value=value) for key, value in values.items()
        ],
    )

    assert signals(old, new).rate >= 0
