"""What follows a click: inquiries arrive later, and where vendors have limited time, who comes first is served first."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.experiments.simulator.worlds import small_market

from opsctl.experiments.simulator.calendar import DAY, microseconds_of
from opsctl.experiments.simulator.choices import Occasion
from opsctl.experiments.simulator.inquiries import Clicks, Inbox, saves_of
from opsctl.experiments.simulator.noise import Noise

_ALWAYS: dict[str, Any] = {"inquiry_rate": 1.0}


def _clicks(users: np.ndarray, vendors: np.ndarray, *, day: int, relevance: float = 1.0) -> Clicks:
    begun = microseconds_of(day) + DAY // 3
    return Clicks(
        users=users,
        vendors=vendors,
        relevance=np.full(len(users), relevance),
        at=begun + np.arange(len(users)),
        impressions=1000 * (day + 100) + np.arange(len(users)),
    )


def _occasion(users: np.ndarray, *, day: int) -> Occasion:
    return Occasion(noise=Noise(seed=4), day=day, slot=0, users=users)


def test_each_inquiry_arrives_once_on_its_day_after_an_exponential_delay() -> None:
    """Also across the start, where days change their sign."""
    inbox = Inbox(market=small_market(users=5000, inquiry_delay_days=2.0, **_ALWAYS))
    users = np.arange(5000)
    clicks = _clicks(users, users % 60, day=-3)
    inbox.send(clicks, occasion=_occasion(users, day=-3))

    arrived = [inbox.receive(day=day) for day in range(-3, 40)]

    for day, each in zip(range(-3, 40), arrived, strict=True):
        assert ((each.at >= microseconds_of(day)) & (each.at < microseconds_of(day + 1))).all()
        assert (np.diff(each.at) >= 0).all()
    assert sorted(np.concatenate([each.users for each in arrived])) == users.tolist()
    by_user = np.argsort(np.concatenate([each.users for each in arrived]))
    delays = np.concatenate([each.at for each in arrived])[by_user] - clicks.at
    assert stats.kstest(delays / DAY, "expon", args=(0, 2.0)).pvalue > 1e-3


@pytest.mark.parametrize("relevance", [0.0, 0.3, 1.0])
def test_clicks_lead_to_saves_and_inquiries_as_often_as_relevance_says(relevance: float) -> None:
    """20,000 clicks."""
    market = small_market(users=20_000, save_rate=0.5, inquiry_rate=0.4)
    users = np.arange(20_000)
    clicks = _clicks(users, users % 60, day=0, relevance=relevance)
    inbox = Inbox(market=market)

    saved = saves_of(market, clicks, occasion=_occasion(users, day=0))
    inbox.send(clicks, occasion=_occasion(users, day=0))

    assert saved.mean() == pytest.approx(0.5 * relevance, abs=0.015)
    count = sum(len(inbox.receive(day=day).users) for day in range(40))
    assert count / 20_000 == pytest.approx(0.4 * relevance, abs=0.015)


@given(
    seed=st.integers(0, 1000),
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=10),
    capacity=st.floats(0.1, 5),
)
@settings(max_examples=40)
def test_vendors_take_so_many_a_week_first_come_first_served(
    seed: int, counts: list[int], capacity: float
) -> None:
    """Against a plain count, whatever is clicked on which day."""
    market = small_market(users=40, seed=seed, capacity=True, capacity_per_user=capacity, **_ALWAYS)
    inbox, draw = Inbox(market=market), np.random.default_rng(seed)
    used: Counter[int] = Counter()
    for day, count in enumerate([*counts, 0, 0, 0]):
        presence = inbox.presence(day=day)
        if day % 7 == 0:
            used.clear()
        for vendor, limit in enumerate(market.vendors.capacity.tolist()):
            full, there = used[vendor] >= limit, market.vendors.arrives[vendor] <= day
            assert presence[vendor] == (0.0 if not there else 1e-9 if full else 1.0)
        users = np.sort(draw.choice(40, count, replace=False))
        inbox.send(_clicks(users, draw.integers(0, 5, count), day=day), occasion=_occasion(users, day=day))
        arrived = inbox.receive(day=day)
        for vendor, accepted in zip(arrived.vendors.tolist(), arrived.accepted.tolist(), strict=True):
            assert accepted == (used[vendor] < market.vendors.capacity[vendor])
            used[vendor] += accepted


def test_without_limits_everything_is_accepted_and_nobody_is_full() -> None:
    """Thousands of inquiries to one vendor."""
    inbox = Inbox(market=small_market(users=5000, capacity=False, arrivals=0.0, **_ALWAYS))
    users = np.arange(5000)
    inbox.send(_clicks(users, np.zeros(5000, int), day=0), occasion=_occasion(users, day=0))

    assert inbox.receive(day=0).accepted.all()
    assert (inbox.presence(day=1) == 1).all()
