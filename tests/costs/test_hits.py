"""How often something is still fresh depends on how often it is asked for, so a hit ratio holds for one load only."""

import random
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.costs.hits import feed_miss_ratio, miss_ratio

RATES = st.floats(min_value=1e-6, max_value=100).map(lambda each: Decimal(str(each)))


def test_the_formula_is_what_a_simulated_cache_does():
    """100,000 requests at random moments, one in two seconds, each fresh for three."""
    random.seed(7)
    now = filled = -10.0
    missed = 0
    for _ in range(100_000):
        now += random.expovariate(0.5)
        if now - filled >= 3:
            missed, filled = missed + 1, now

    expected = miss_ratio(asked_a_second=Decimal("0.5"), fresh_seconds=Decimal(3))

    assert missed / 100_000 == pytest.approx(float(expected), abs=0.005)


def test_the_same_readers_hit_nearly_always_at_the_peak_and_nearly_never_on_average():
    """Ten thousand readers who ask once a second each, or once a day."""
    one = {"users": Decimal(10_000), "feeds_a_visit": Decimal(1), "fresh_seconds": Decimal(300)}

    assert feed_miss_ratio(feeds_a_second=Decimal(10_000), **one) < Decimal("0.004")
    assert feed_miss_ratio(feeds_a_second=Decimal(10_000) / 86_400, **one) > Decimal("0.99")


def test_of_a_visit_only_the_first_feed_is_made():
    """Four feeds a visit are one that is made and three that are there."""
    missed = feed_miss_ratio(
        feeds_a_second=Decimal("0.001"),
        users=Decimal(10_000),
        feeds_a_visit=Decimal(4),
        fresh_seconds=Decimal(300),
    )

    assert missed == pytest.approx(Decimal("0.25"), abs=Decimal("0.001"))


@given(rates=st.lists(RATES, min_size=2, max_size=8))
def test_equal_rates_are_the_worst_case(rates: list[Decimal]):
    """However unequally things are asked for, at least as much is found as the formula for their mean says."""
    fresh = Decimal(60)
    total = sum(rates, Decimal(0))
    missed = sum(rate * miss_ratio(asked_a_second=rate, fresh_seconds=fresh) for rate in rates) / total

    assert missed <= miss_ratio(asked_a_second=total / len(rates), fresh_seconds=fresh) + Decimal("1e-12")


@given(rates=st.lists(RATES, min_size=2, max_size=8))
def test_who_asks_more_often_misses_less(rates: list[Decimal]):
    """And a thing that is never fresh is always missed."""
    missed = [miss_ratio(asked_a_second=rate, fresh_seconds=Decimal(9)) for rate in sorted(rates)]

    assert all(one >= other for one, other in pairwise(missed))
    assert miss_ratio(asked_a_second=rates[0], fresh_seconds=Decimal(0)) == 1
