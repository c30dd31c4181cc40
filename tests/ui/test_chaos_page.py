"""The page of drills tells when the usual tier was back, what failed how, and what the service counted."""

from dataclasses import replace

from tests.chaos.drills import drill, held, named
from tests.fakes.drill_world import FAILED, SIMPLE, DrillWorld

from opsctl.chaos.journal import Journal, entry_of
from opsctl.chaos.sample import NoFeed
from opsctl.ui.chaos_page import render_chaos_page

COUNTER = {"metric": "ranking_feeds_total"}


def page(world: DrillWorld, *, is_old: bool = False) -> str:
    """Return the page of one drill."""
    made = drill(expect={"counters": [COUNTER]})
    report, verdict = held(world, made)
    kept = replace(report, tier_after=None, tier_recovered_seconds=None) if is_old else report
    return render_chaos_page(
        Journal(run_id="r", entries=(entry_of(named(made), report=kept, verdict=verdict),))
    )


def test_a_tier_that_does_not_come_back_stands_beside_answers_that_do():
    """The first alone would look like a recovery."""
    text = page(DrillWorld(during={"vectors_down": (SIMPLE,)}, heals_after=10_000))

    assert "<dt>Recovered</dt><dd>at once" in text
    assert "<dt>Own tier again</dt><dd>not in time<small>allowed are 60s</small>" in text
    assert "`multi_agent` did not come back".replace("`multi_agent`", "<code>multi_agent</code>") in text


def test_a_run_from_before_tiers_were_watched_says_nothing_of_them():
    """Neither that they came back nor that they did not."""
    assert "Own tier again" not in page(DrillWorld(), is_old=True)


def test_failures_are_told_by_kind_and_counters_by_growth():
    """Whoever could not even ask is not somebody who was refused."""
    unsent = replace(FAILED, status=NoFeed.UNSENT)
    text = page(DrillWorld(during={"vectors_down": (SIMPLE, SIMPLE, FAILED, unsent)}))

    assert "503: " in text
    assert "unsent: " in text
    assert "ranking_feeds_total grew by " in text
