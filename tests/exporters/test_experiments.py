"""Prometheus is told of what runs: units by arm, how far it is, and the newest analysis of just this book."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.experiments.analysis.test_run import analysed, at_day

from opsctl.evidence.model import Record, Verdict
from opsctl.experiments.analysis.document import ANALYSIS_KIND, guardrails_of
from opsctl.experiments.verdict import Outcome
from opsctl.exporters import experiments as exported
from opsctl.exporters.experiments import UNKNOWN_ARM, RunningExperiment, experiment_values
from opsctl.metrics import exporters as metrics

if TYPE_CHECKING:
    from collections.abc import Mapping

AT = datetime(2026, 11, 1, tzinfo=UTC)
RUNNING = RunningExperiment(
    name="agents",
    digest="d1",
    weights={"control": 0.5, "changed": 0.5},
    metrics=["engaged", "returned"],
    units={"control": 70, "changed": 30},
    in_unknown_arms=0,
    in_several_arms=2,
    sample_ratio_p=0.25,
    horizon_passed=1.5,
    ramp=0.5,
    looks=3,
)
LIFTS = {
    "engaged/changed": {"lift": 0.05, "low": -0.01, "high": 0.11},
    "returned/changed": {"lift": -0.02, "low": -0.04, "high": 0.0},
}
Told = dict[tuple[str, tuple[str, ...]], float]


def analysis(
    outcome: str = "keep_running",
    *,
    digest: str = "d1",
    lifts: Any = None,
    guardrails: Any = None,
    **changes: Any,
) -> Record:
    """Return a record of an analysis."""
    figures: Mapping[str, Any] = {
        "outcome": outcome,
        "lifts": LIFTS if lifts is None else lifts,
        "guardrails": guardrails,
    }
    record = Record(
        sequence=1,
        id="1",
        kind=ANALYSIS_KIND,
        subject="agents",
        verdict=Verdict.PASS,
        figures=figures,
        inputs={"experiment": digest},
        tools={},
        git_commit=None,
        started_at=AT,
        duration_seconds=1.0,
        recorded_at=AT,
        expires_at=AT + timedelta(days=365),
    )
    return replace(record, **changes)


def told(*records: Record, **changes: Any) -> Told:
    """Return what Prometheus is told of one experiment, by metric and labels."""
    values = experiment_values([replace(RUNNING, **changes)], records)
    found = {(value.metric.name, value.labels): value.number for value in values}
    assert len(found) == len(values)
    assert all(len(value.labels) == len(value.metric.labels) for value in values)
    return found


def test_the_units_of_each_arm_stand_beside_its_weight():
    """With those in several arms, and how likely that is."""
    samples = told()

    assert samples[metrics.EXPERIMENT_UNITS.name, ("agents", "control")] == 70
    assert samples[metrics.EXPERIMENT_UNITS.name, ("agents", "changed")] == 30
    assert samples[metrics.EXPERIMENT_WEIGHT.name, ("agents", "changed")] == 0.5
    assert samples[metrics.EXPERIMENT_SEVERAL_ARMS.name, ("agents",)] == 2
    assert samples[metrics.EXPERIMENT_SAMPLE_RATIO.name, ("agents",)] == 0.25
    assert (metrics.EXPERIMENT_UNITS.name, ("agents", UNKNOWN_ARM)) not in samples
    assert told(in_unknown_arms=4)[metrics.EXPERIMENT_UNITS.name, ("agents", UNKNOWN_ARM)] == 4


def test_an_arm_that_nobody_saw_has_no_units():
    """It is told as 0, because it should have some."""
    assert told(units={})[metrics.EXPERIMENT_UNITS.name, ("agents", "changed")] == 0


def test_how_far_it_is_is_told():
    """Also where it is over its horizon."""
    samples = told()

    assert samples[metrics.EXPERIMENT_HORIZON.name, ("agents",)] == 1.5
    assert samples[metrics.EXPERIMENT_RAMP.name, ("agents",)] == 0.5
    assert samples[metrics.EXPERIMENT_LOOKS.name, ("agents",)] == 3


def test_what_nobody_can_say_is_left_out():
    """No p without units or without scipy, no time while a clock is wrong, no effect before the first analysis."""
    names = {name for name, _ in told(sample_ratio_p=None, horizon_passed=None)}

    assert names == {
        each.name
        for each in (
            metrics.EXPERIMENT_UNITS,
            metrics.EXPERIMENT_WEIGHT,
            metrics.EXPERIMENT_SEVERAL_ARMS,
            metrics.EXPERIMENT_RAMP,
            metrics.EXPERIMENT_LOOKS,
        )
    }


def test_the_newest_analysis_is_told_with_its_intervals():
    """Records come newest first."""
    samples = told(analysis("ship", recorded_at=AT + timedelta(hours=1)), analysis("invalid", lifts={}))

    assert samples[metrics.EXPERIMENT_ANALYSED.name, ("agents",)] == (AT + timedelta(hours=1)).timestamp()
    verdicts = {
        labels[1]: number
        for (name, labels), number in samples.items()
        if name == metrics.EXPERIMENT_VERDICT.name
    }
    assert verdicts == {"ship": 1, "do_not_ship": 0, "keep_running": 0, "invalid": 0}
    lift = metrics.EXPERIMENT_LIFT.name
    assert samples[lift, ("agents", "engaged", "changed", "low")] == -0.01
    assert samples[lift, ("agents", "returned", "changed", "lift")] == -0.02
    assert samples[lift, ("agents", "returned", "changed", "high")] == 0


def test_a_broken_guardrail_is_told_until_an_analysis_says_otherwise():
    """By metric and arm; what is uncertain is not broken, and of another book's or a simulation's analysis nothing is said."""
    name = metrics.EXPERIMENT_GUARDRAIL.name
    newer = AT + timedelta(hours=1)

    broken = told(analysis(guardrails={"returned/changed": "broken", "engaged/changed": "uncertain"}))
    mended = told(
        analysis(guardrails={"returned/changed": "kept"}, recorded_at=newer),
        analysis(guardrails={"returned/changed": "broken"}),
    )

    assert broken[name, ("agents", "returned", "changed")] == 1
    assert broken[name, ("agents", "engaged", "changed")] == 0
    assert mended[name, ("agents", "returned", "changed")] == 0
    for silent in (
        analysis(),
        analysis(guardrails="none"),
        analysis(
            guardrails={"returned/changed": 7, "stranger/changed": "broken", "returned/stranger": "broken"}
        ),
        analysis(guardrails={"returned/changed": "broken"}, simulated=("readers",)),
        analysis(guardrails={"returned/changed": "broken"}, digest="of an earlier book"),
    ):
        assert not [key for key in told(silent) if key[0] == name]


@pytest.mark.parametrize(
    "other",
    [
        analysis(simulated=("readers",)),
        analysis(digest="of an earlier book"),
        analysis(subject="others"),
        analysis(kind="experiments.certificate"),
        analysis(kind="experiments.peek"),
    ],
    ids=["simulated", "other book", "other name", "certificate", "peek"],
)
def test_no_other_record_speaks_for_it(other: Record):
    """A simulation of the same book least of all."""
    assert told(other) == told()
    assert told(other, analysis("ship")) == told(analysis("ship"))


def test_only_metrics_and_arms_of_the_book_are_told():
    """However much a record holds, and whatever it holds: series stay few."""
    odd = LIFTS | {
        "engaged/stranger": {"lift": 1.0},
        "stranger/changed": {"lift": 1.0},
        "returned/changed": {"lift": "much", "low": float("-inf"), "high": True, "p": 0.5},
    }
    samples = told(analysis("undecided", lifts=odd))

    assert {labels[1:] for name, labels in samples if name == metrics.EXPERIMENT_LIFT.name} == {
        ("engaged", "changed", figure) for figure in ("lift", "low", "high")
    }
    assert not [name for name, _ in samples if name == metrics.EXPERIMENT_VERDICT.name]
    assert told(analysis(lifts="none")).keys() == told(analysis(lifts={})).keys()


def test_what_is_told_knows_the_words_of_analyses():
    """Neither package may import the other, so a test holds them together."""
    assert exported.ANALYSIS_KIND == ANALYSIS_KIND
    assert {each.value for each in Outcome} == set(metrics.OUTCOMES)
    analyses = (at_day(3, harm=0.2), at_day(14), at_day(14, units=60))
    assert [guardrails_of(analysed(each))["return/six"] for each in analyses] == list(
        exported.GUARDRAIL_STATES
    )
