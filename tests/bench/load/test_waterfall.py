"""Waterfalls: stages one after another, the entire stage never counted twice, and what is left named."""

from itertools import pairwise

import pytest
from tests.bench.load.reports import a_report, holding

from opsctl.bench.load.waterfall import OUTSIDE, REST_INSIDE, waterfall


def test_the_bars_of_a_miss_fill_its_mean_time():
    """From nothing to the mean, without gap or overlap."""
    report = holding()

    bars = waterfall(report, "MISS")

    assert [bar.name for bar in bars][-2:] == [REST_INSIDE, OUTSIDE]
    assert sum(bar.seconds for bar in bars) == pytest.approx(report.tiers["MISS"].mean_seconds)
    for before, after in pairwise(bars):
        assert after.begins_seconds == pytest.approx(before.begins_seconds + before.seconds)


def test_a_hit_has_one_stage_and_the_way_there():
    """The service tells only `edge` then."""
    assert [bar.name for bar in waterfall(holding(), "HIT-L1")] == ["edge", OUTSIDE]


def test_a_tier_without_stages_has_no_waterfall():
    """The service told nothing of it."""
    assert waterfall(holding(), "STALE") == ()


def test_stages_longer_than_the_mean_leave_nothing_outside():
    """Means over sampled answers need not add up."""
    bars = waterfall(a_report(rate=50, seconds=5, stages={"HIT-L1": {"slow": 99.0}}), "HIT-L1")

    assert [bar.name for bar in bars] == ["slow"]
