"""Several drills are told by their median and their worst, and one that did not come back makes them worse, never better."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dr.drill.drills import (
    STARTED_AT,
    entry,
    journal,
    loss,
    missed,
    not_back,
    run,
    slower,
    stages,
    unclear,
)

from opsctl.dr.drill.journal import Journal
from opsctl.dr.drill.judge import Outcome
from opsctl.dr.drill.model import Stage
from opsctl.dr.drill.summary import (
    Summary,
    Toll,
    last_held,
    longest_stage,
    numbered,
    summaries,
    worst,
)


def only(*entries) -> Summary:
    """Return the summary of entries of one scenario."""
    (found,) = summaries(entries)
    return found


def lasting(*seconds: float) -> Summary:
    """Return the summary of drills whose restore took so long, and all else nothing."""
    return only(*(entry(run(stages=stages(0.0, 0.0, each, 0.0))) for each in seconds))


def test_one_run_is_its_own_median_and_worst():
    """With the sum of its stages as RTO."""
    found = only(entry())

    assert found.rto is not None
    assert (found.rto.number, found.rto.median, found.rto.worst) == (1, 76.0, 76.0)
    assert found.stages[Stage.RESTORED].median == 53.8
    assert found.outcomes == {Outcome.PASSED: 1, Outcome.MISSED: 0, Outcome.INCONCLUSIVE: 0}
    assert found.toll == Toll(lost=0, holes=0, phantoms=0, given_up=0, divergence=0)


def test_of_several_runs_the_median_counts_and_the_worst():
    """The best is not told at all."""
    found = lasting(10.0, 70.0, 20.0)

    assert found.rto is not None
    assert (found.rto.number, found.rto.median, found.rto.worst) == (3, 20.0, 70.0)
    assert (found.stages[Stage.RESTORED].median, found.stages[Stage.SERVING].worst) == (20.0, 0.0)


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=9))
def test_the_median_lies_between_the_best_and_the_worst(seconds):
    """At least half of the runs were not slower."""
    spread = lasting(*seconds).rto

    assert spread is not None
    assert min(seconds) <= spread.median <= spread.worst == max(seconds)
    assert sum(each <= spread.median for each in seconds) * 2 >= len(seconds)


def test_a_run_that_did_not_come_back_is_infinitely_long():
    """Leaving it out would make the others look better; where half did not come back, the median did not either."""
    good, gone = entry(), replace(not_back(), run=replace(not_back().run, scenario="both_lost"))

    one_of_three, one_of_two = only(good, gone, slower()), only(good, gone)

    assert one_of_three.rto is not None
    assert one_of_two.rto is not None
    assert (one_of_three.rto.median, one_of_three.rto.worst) == (99.2, math.inf)
    assert one_of_two.rto.median == math.inf
    assert one_of_two.rpo is not None
    assert one_of_two.rpo.worst == math.inf
    assert one_of_two.stages[Stage.DETECTED].worst == 14.0
    assert one_of_two.outcome is Outcome.MISSED


def test_rows_that_nobody_counted_are_not_rows_that_nobody_lost():
    """The database never came back, so the default of nothing would be a green lie."""
    assert only(not_back()).toll is None


def test_a_drill_that_says_nothing_is_counted_and_changes_no_figure():
    """Its figures may be anything."""
    silent = replace(unclear(), run=replace(unclear().run, scenario="both_lost"))

    found = only(entry(), silent)

    assert found.rto is not None
    assert (found.runs, found.rto.number, found.outcome) == (2, 1, Outcome.INCONCLUSIVE)
    assert only(unclear()).rto is None
    assert only(unclear()).stages == {}


def test_of_rows_the_most_of_any_run_counts():
    """All streams together."""
    found = only(
        entry(run(losses=(loss(tail=3, holes=1, rpo_seconds=1.0), loss("interactions", tail=1, rpo_seconds=1.0)))),
        entry(run(losses=(loss(phantoms=2),), given_up={"content": 7, "interactions": 1})),
    )  # fmt: skip

    assert found.toll == Toll(lost=5, holes=1, phantoms=2, given_up=8, divergence=0)


def test_the_longest_stage_is_told_with_its_part_and_one_that_was_not_reached_is_longest():
    """So that somebody knows where to begin."""
    stage, share = longest_stage(only(entry())) or (None, 0.0)

    assert (stage, round(share, 3)) == (Stage.RESTORED, 0.708)
    assert longest_stage(only(not_back())) == (Stage.RESTORED, math.inf)
    assert longest_stage(only(unclear())) is None
    assert longest_stage(lasting(0.0)) == (Stage.DETECTED, 0.0)


def test_scenarios_keep_their_order_and_runs_their_number():
    """As they were held."""
    entries = (entry(), missed(), slower())

    assert [found.scenario for found in summaries(entries)] == ["both_lost", "database_lost"]
    assert [each.name for each in numbered(entries)] == [
        "both_lost, run 1 of 2",
        "database_lost",
        "both_lost, run 2 of 2",
    ]


def test_a_miss_outweighs_what_cannot_be_told_and_nothing_at_all_cannot_tell():
    """Never a pass by accident."""
    assert worst(list(Outcome)) is Outcome.MISSED
    assert worst([Outcome.PASSED, Outcome.INCONCLUSIVE]) is Outcome.INCONCLUSIVE
    assert worst([Outcome.PASSED]) is Outcome.PASSED
    assert worst([]) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("turn", [1, -1])
def test_the_last_drill_of_a_scenario_is_that_of_the_newest_run(turn):
    """In whatever order journals are read; of several in one run the worst counts."""
    later = replace(entry(), run=run(ended_at=STARTED_AT + 9000))
    runs = [
        journal(missed(), not_back()),
        Journal(run_id="b", entries=(later, replace(unclear(), run=replace(unclear().run, scenario="both_lost")))),
        journal(entry()),
    ]  # fmt: skip

    last = last_held(runs[::turn])

    assert {name: each.outcome for name, each in last.items()} == {
        "both_lost": Outcome.INCONCLUSIVE,
        "database_lost": Outcome.MISSED,
        "region_lost": Outcome.MISSED,
    }
    assert last["both_lost"].at.timestamp() == STARTED_AT + 9000
