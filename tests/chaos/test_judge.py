"""A verdict is held only where nothing speaks against it, and a control only where the drill has teeth."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaos.drills import drill, held, texts
from tests.fakes.drill_world import SIMPLE, AlertReaction, DrillWorld

from opsctl.chaos.judge import judge
from opsctl.chaos.report import AlertSeen, DrillReport
from opsctl.chaos.sample import Phase, PhaseFigures
from opsctl.chaos.verdict import DrillVerdict, Outcome, exit_code, worst
from opsctl.core.exit_codes import ExitCode

ALERT = {"name": "VectorStoreDown", "detect_within": "30s"}
REACTION = AlertReaction(name="VectorStoreDown")

figures = st.builds(
    lambda number, bad, empty, p99, simple: PhaseFigures(
        seconds=60,
        number=number,
        good=max(0, number - bad - empty),
        empty=min(empty, number),
        p99_seconds=p99,
        tiers={"simple": simple, "multi_agent": 100 - simple},
    ),
    st.integers(0, 500), st.integers(0, 20), st.integers(0, 3), st.none() | st.floats(0.001, 2), st.integers(0, 100),
)  # fmt: skip
moments = st.none() | st.floats(100, 300)
reports = st.builds(
    DrillReport,
    drill=st.just("d"),
    title=st.just("t"),
    control=st.just(drill().control),
    started_at=st.just(0.0),
    ended_at=st.just(400.0),
    fault_at=st.none() | st.just(100.0),
    undone_at=st.just(200.0),
    phases=st.fixed_dictionaries(dict.fromkeys(Phase, figures)),
    alerts=st.lists(
        st.builds(AlertSeen, name=st.just("VectorStoreDown"), firing_at=moments, told_at=moments, over_at=moments),
        max_size=1,
    ).map(tuple),
    recovered_seconds=st.none() | st.floats(0, 60),
    after=st.tuples(st.integers(0, 100), st.integers(0, 100)),
    restarts=st.integers(0, 1),
    stopped_early=st.sampled_from(["", "availability"]),
    errors=st.sampled_from([(), ("a probe failed",)]),
    lost_leases=st.sampled_from([(), ("vectors_down",)]),
    residue=st.sampled_from([(), ("proxy",)]),
    interrupted=st.booleans(),
)  # fmt: skip


@given(report=reports)
@settings(deadline=None)
def test_held_means_without_a_reason_and_only_that(report):
    """And nothing that was not measured, not made, or left behind is ever held."""
    verdict = judge(report, drill(expect={"tier": "simple", "alerts": [ALERT]}))

    assert (verdict.outcome is Outcome.HELD) == (verdict.reasons == ())
    if report.fault_at is None or report.errors or report.lost_leases or report.interrupted or report.residue:
        assert verdict.outcome is not Outcome.HELD
    if report.residue:
        assert verdict.outcome is Outcome.RESIDUE
    for phase in (Phase.BASELINE, Phase.FAULT):
        if report.phase(phase).number < 100:
            assert verdict.outcome is not Outcome.HELD


@given(report=reports, control=st.sampled_from(["muted", "breaker_off", "runner_killed"]))
@settings(deadline=None)
def test_a_control_is_never_held_with_residue_or_with_a_reason(report, control):
    """Whatever it turns around."""
    made = drill(control=control, expect={"alerts": [ALERT]})

    verdict = judge(replace(report, control=made.control), made)

    assert (verdict.outcome is Outcome.HELD) == (verdict.reasons == ())
    if verdict.outcome is Outcome.HELD:
        assert verdict.seen
        assert not report.residue


def test_a_muted_alert_must_turn_its_drill_red_and_nothing_else_will_do():
    """Red for another reason proves nothing."""
    made = drill(control="muted", expect={"alerts": [ALERT], "tier": "simple"})
    simple = {"vectors_down": (SIMPLE,)}

    _, muted = held(DrillWorld(during=simple), made)
    _, not_muted = held(DrillWorld(during=simple, alerts=(REACTION,)), made)
    _, red_by_tier = held(DrillWorld(alerts=(REACTION,)), made)

    assert (muted.outcome, muted.reasons) == (Outcome.HELD, ())
    assert "`VectorStoreDown` did not fire" in muted.seen[0].text
    assert not_muted.outcome is Outcome.DEVIATED
    assert texts(not_muted) == "the control `muted` stayed green: this drill would not notice"
    assert red_by_tier.outcome is Outcome.INCONCLUSIVE
    assert "not because of the alert that is muted" in texts(red_by_tier)


def test_a_drill_with_its_breaker_off_must_turn_red():
    """Whatever it is that shows it."""
    made = drill(control="breaker_off")

    assert held(DrillWorld(), made)[1].outcome is Outcome.HELD
    assert held(DrillWorld(during={"vectors_down": (SIMPLE,)}), made)[1].outcome is Outcome.DEVIATED


def test_the_fault_of_a_killed_runner_must_vanish():
    """What counts is the scan; that it was killed at all has to be seen, too."""
    made = drill(control="runner_killed")
    report, plain = held(DrillWorld(loses_lease_after=20), made)

    assert plain.outcome is Outcome.HELD
    assert "the lease of `vectors_down` was lost" in plain.seen[0].text
    assert judge(replace(report, residue=("fault vectors_down",)), made).outcome is Outcome.RESIDUE
    assert held(DrillWorld(), made)[1].outcome is Outcome.INCONCLUSIVE


def test_in_a_null_drill_no_alert_may_fire():
    """Neither one that wakes somebody nor any other, from the first second on."""
    made = drill(control="null_drill", method=[{"wait": "60s"}], expect={})

    report, quiet = held(DrillWorld(), made)
    _, noisy = held(DrillWorld(noise={}, alerts=(), trips={}), made)
    nervous = replace(report, alerts=(AlertSeen(name="Nervous", firing_at=report.started_at + 1),))

    assert quiet.outcome is noisy.outcome is Outcome.HELD
    assert report.spent_minutes == 0
    assert texts(judge(nervous, made)) == "`Nervous` fired although nothing was broken"


@pytest.mark.parametrize(
    ("outcomes", "together", "code"),
    [
        (["held", "inconclusive", "deviated", "residue"], "residue", ExitCode.RESIDUE),
        (["held", "inconclusive", "deviated"], "deviated", ExitCode.BAD_VERDICT),
        (["held", "inconclusive"], "inconclusive", ExitCode.INCONCLUSIVE),
        (["held", "held"], "held", ExitCode.GOOD),
        ([], "inconclusive", ExitCode.INCONCLUSIVE),
    ],
)
def test_many_drills_are_as_good_as_the_worst(outcomes, together, code):
    """And none at all is no pass."""
    verdicts = [DrillVerdict(drill="d", outcome=Outcome(outcome)) for outcome in outcomes]

    assert worst([verdict.outcome for verdict in verdicts]) == together
    assert exit_code(verdicts) is code


def test_ctrl_c_has_an_exit_code_of_its_own_but_for_residue():
    """What is left behind is worse."""
    stopped = DrillVerdict(drill="d", outcome=Outcome.INCONCLUSIVE, is_interrupted=True)
    left = DrillVerdict(drill="d", outcome=Outcome.RESIDUE)

    assert exit_code([stopped]) is ExitCode.INTERRUPTED
    assert exit_code([stopped, left]) is ExitCode.RESIDUE


def test_a_limit_of_calls_that_nobody_counted_is_inconclusive():
    """Such as where the proxy that counts them was gone: never a pass."""
    made = drill(expect={"tier": "simple", "most_calls": {"model": 1.3}})

    report, verdict = held(DrillWorld(during={"vectors_down": (SIMPLE,)}), made)

    assert report.call_growth("model") is None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "nobody counted the calls to model" in texts(verdict)
