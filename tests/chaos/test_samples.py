"""Samples are added up by phase and second, in little memory, and every request that a fault touched is the fault's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsctl.chaos.latencies import Latencies
from opsctl.chaos.probes import Probe, ProbeAnswer, miss_of
from opsctl.chaos.sample import NoFeed, Phase, Sample
from opsctl.chaos.tally import Tally
from opsctl.core.quantiles import quantile


@given(st.lists(st.floats(1e-5, 3600), min_size=1), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_quantile_is_within_a_hundredth_of_a_value_of_that_rank(values, share):
    """The value of the rank itself, not something between two."""
    kept, halves = Latencies(), (Latencies(), Latencies())
    for place, value in enumerate(values):
        kept.add(value)
        halves[place % 2].add(value)
    halves[0].merge(halves[1])
    ordered = sorted(values)
    rank = max(1, -int(-share * len(ordered) // 1))

    assert kept.quantile(share) == pytest.approx(ordered[rank - 1], rel=0.0101)
    assert halves[0].quantile(share) == kept.quantile(share)


def test_a_known_quantile():
    """Of a hundred even milliseconds."""
    kept = Latencies()
    for milliseconds in range(1, 101):
        kept.add(milliseconds / 1000)

    assert kept.quantile(0.99) == pytest.approx(0.099, rel=0.01)
    assert quantile([each / 1000 for each in range(1, 101)], 0.99) == pytest.approx(0.099, rel=0.01)
    assert Latencies().quantile(0.5) is None
    assert len(kept.slots) <= 100


def test_what_latency_is_odd_counts_as_the_nearest():
    """Zero and a year break nothing."""
    kept = Latencies()
    kept.add(0)
    kept.add(3e7)

    assert kept.quantile(0.1) == pytest.approx(1e-6, rel=0.02)
    assert kept.quantile(1) == pytest.approx(86_400, rel=0.02)


def test_phases_come_to_their_figures():
    """Good, bad, empty, stale, cached, retried."""
    tally = Tally(began_at=100, phase_of=lambda _: Phase.FAULT, remembers_seconds=10)
    for sample in (
        Sample(at=100, seconds=0.1, status=200, tier="simple", items=5),
        Sample(at=101, seconds=0.1, status=304, tier="simple", items=None, is_cached=True),
        Sample(at=102, seconds=0.1, status=200, tier="trending", items=5, is_stale=True),
        Sample(at=103, seconds=0.1, status=200, items=0),
        Sample(at=104, seconds=0.1, status=503, is_retry=True),
        Sample(at=105, seconds=5.0, status=0),
    ):
        tally.add(sample, now=106)

    figures = tally.figures(Phase.FAULT, seconds=6)

    assert (figures.number, figures.good, figures.bad, figures.empty) == (6, 3, 3, 1)
    assert (figures.stale, figures.cached, figures.retries) == (1, 1, 1)
    assert (figures.availability, figures.goodput) == (0.5, 0.5)
    assert figures.tiers == {"simple": 1}
    assert figures.statuses == {"no answer": 1, "200": 3, "304": 1, "503": 1}
    assert figures.attempts == pytest.approx(1.2)
    assert tally.figures(Phase.BASELINE, seconds=6).availability is None
    assert [point.tiers for point in tally.points(until=106)] == [
        {"simple": 1}, {"cache": 1}, {"stale": 1}, {"error": 1}, {"error": 1}, {"error": 1},
    ]  # fmt: skip


def test_a_long_drill_has_longer_stretches_and_loses_nothing():
    """Two hours at one request a second stay below six hundred points."""
    tally = Tally(began_at=0, phase_of=lambda _: Phase.BASELINE, remembers_seconds=10)
    for second in range(7200):
        tally.add(Sample(at=second, seconds=0.01, status=200), now=second)

    points = tally.points(until=7200)

    assert len(points) <= 601
    assert sum(point.number for point in points) == 7200
    assert {point.length_seconds for point in points} == {16}
    assert tally.recent(now=7199.5, seconds=5) == (5, 5)


@pytest.mark.parametrize(
    ("probe", "answer", "miss"),
    [
        ({}, ProbeAnswer(status=200), ""),
        ({}, ProbeAnswer(status=0), "no answer"),
        ({"status": [200, 204]}, ProbeAnswer(status=500), "status 500, wanted 200 or 204"),
        ({"pattern": "ok|fine"}, ProbeAnswer(status=200, body="all fine"), ""),
        ({"pattern": "ok"}, ProbeAnswer(status=200, body="no"), "`ok` is not in the body"),
        ({"json_path": "checks.0.up"}, ProbeAnswer(status=200, body='{"checks": [{"up": 0}]}'), ""),
        ({"json_path": "items"}, ProbeAnswer(status=200, body='{"items": []}'), "`items` is empty"),
        ({"json_path": "items"}, ProbeAnswer(status=200, body="<html>"), "the body has no `items`"),
        ({"json_path": "a.b"}, ProbeAnswer(status=200, body='{"a": 3}'), "the body has no `a.b`"),
        ({"json_path": "up", "equals": True}, ProbeAnswer(status=200, body='{"up": true}'), ""),
        ({"json_path": "up", "equals": True}, ProbeAnswer(status=200, body='{"up": 1}'), "`1` is not `True`"),
        ({"json_path": "n", "between": [1, 3]}, ProbeAnswer(status=200, body='{"n": 3}'), ""),
        ({"json_path": "n", "between": [1, 3]}, ProbeAnswer(status=200, body='{"n": 4}'), "`4` is not between 1 and 3"),
        ({"between": [1, 3]}, ProbeAnswer(status=200, body="x"), "the body is no number"),
    ],
)  # fmt: skip
def test_an_answer_misses_where_it_is_not_as_wanted(probe, answer, miss):
    """And says why."""
    assert miss_of(Probe(name="p", url="http://127.0.0.1/", **probe), answer) == miss


def test_a_request_that_was_never_sent_is_bad_and_does_not_look_fast():
    """It took no time, because nothing was done."""
    tally = Tally(began_at=100, phase_of=lambda _: Phase.FAULT, remembers_seconds=10)
    tally.add(Sample(at=100, seconds=2.0, status=200, tier="simple", items=5), now=103)
    for _ in range(9):
        tally.add(Sample(at=101, seconds=0.0, status=NoFeed.UNSENT), now=103)

    figures = tally.figures(Phase.FAULT, seconds=6)

    assert (figures.number, figures.bad, figures.statuses) == (10, 9, {"200": 1, "unsent": 9})
    assert figures.p50_seconds == pytest.approx(2.0, rel=0.02)


def test_fresh_answers_of_the_last_seconds_are_counted_by_tier():
    """What a cache gave, and what is long ago, says nothing of who makes answers now."""
    tally = Tally(began_at=100, phase_of=lambda _: Phase.RECOVERY, remembers_seconds=10)
    for at, tier, is_cached in (
        (100, "simple", False),
        (106, "simple", False),
        (107, "multi_agent", False),
        (108, "multi_agent", True),
    ):
        sample = Sample(at=at, seconds=0.1, status=200, tier=tier, items=5, is_cached=is_cached)
        tally.add(sample, now=109)

    assert tally.recent_fresh("multi_agent", now=109, seconds=5) == (2, 1)
