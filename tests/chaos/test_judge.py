"""A verdict is held only where nothing speaks against it, and a control only where the drill has teeth."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaos.drills import between, drill, held, texts
from tests.fakes.drill_world import FAILED, SIMPLE, USUAL, AlertReaction, DrillWorld

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


@given(report=reports, control=st.sampled_from(["muted", "breaker_off"]))
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
    simple, untold = {"vectors_down": (SIMPLE,)}, replace(REACTION, told_after=None)

    _, muted = held(DrillWorld(during=simple, alerts=(untold,)), made)
    _, not_muted = held(DrillWorld(during=simple, alerts=(REACTION,)), made)
    _, red_by_tier = held(DrillWorld(alerts=(REACTION,)), made)

    assert (muted.outcome, muted.reasons) == (Outcome.HELD, ())
    assert "`VectorStoreDown` fired, but nobody was told" in muted.seen[0].text
    assert not_muted.outcome is Outcome.DEVIATED
    assert texts(not_muted) == "the control `muted` stayed green: this drill would not notice"
    assert red_by_tier.outcome is Outcome.INCONCLUSIVE
    assert "somebody was told of `VectorStoreDown`, which is muted" in texts(red_by_tier)


def test_a_muted_alert_that_does_not_fire_or_is_not_the_only_one_proves_nothing():
    """A fault without effect misses the alert, too; so does one that wakes somebody for another reason."""
    made = drill(control="muted", expect={"alerts": [ALERT]})
    other = AlertReaction(name="Other", is_page=True)

    _, silent = held(DrillWorld(), made)
    _, noisy = held(DrillWorld(alerts=(replace(REACTION, told_after=None), other)), made)

    assert silent.outcome is noisy.outcome is Outcome.INCONCLUSIVE
    assert "`VectorStoreDown` is muted, but it did not even fire" in texts(silent)
    assert "not just because of what is muted: `Other` woke somebody" in texts(noisy)


def test_a_drill_with_its_breaker_off_must_turn_red_for_its_readers():
    """An alert that is missing, or a slow recovery, is not what breakers are for."""
    made = drill(control="breaker_off", expect={"alerts": [ALERT]})
    failing = {"vectors_down": (SIMPLE, FAILED)}

    assert held(DrillWorld(during=failing), made)[1].outcome is Outcome.HELD
    assert held(DrillWorld(alerts=(REACTION,)), made)[1].outcome is Outcome.DEVIATED
    _, only_silent = held(DrillWorld(), made)
    assert only_silent.outcome is Outcome.INCONCLUSIVE
    assert "readers felt nothing of the protection that is off" in texts(only_silent)


def test_a_service_that_stays_in_a_lower_tier_has_not_recovered():
    """Good answers alone are back at once, and say nothing of who makes them."""
    simple = {"vectors_down": (SIMPLE,)}
    made = drill(expect={"tier_recovery": "20s"})

    report, stuck = held(DrillWorld(during=simple, heals_after=10_000), made)
    late_report, late = held(DrillWorld(during=simple, heals_after=23), made)
    soon_report, soon = held(DrillWorld(during=simple, heals_after=12), made)

    assert (report.recovered_seconds, report.tier_recovered_seconds) == (0.0, None)
    assert between(report.undone_at, report.ended_at) == pytest.approx(30, abs=1)
    assert stuck.outcome is Outcome.DEVIATED
    assert "`multi_agent` did not come back: 0 % of the fresh answers at the end, 100 % is usual" in texts(
        stuck
    )
    assert late_report.tier_recovered_seconds == pytest.approx(23, abs=1)
    assert "fresh answers by `multi_agent` took 23" in texts(late)
    assert soon_report.tier_recovered_seconds == pytest.approx(12, abs=1)
    assert soon.outcome is Outcome.HELD


def test_too_few_fresh_answers_do_not_tell_which_tier_makes_them():
    """Never a pass: a cache that knows everybody hides the tier behind it."""
    made = drill(expect={"tier_recovery": "20s"})
    cached = {"vectors_down": (replace(USUAL, is_cached=True),)}

    report, verdict = held(DrillWorld(during=cached, heals_after=10_000), made)

    assert report.tier_after == (0, 0)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "only 0 fresh answers at the end" in texts(verdict)


def test_where_the_agents_made_nothing_before_nobody_waits_for_them():
    """The baseline was of a lower tier already."""
    report, verdict = held(DrillWorld(usual=(SIMPLE,)), drill())

    assert report.tier_after is None
    assert verdict.outcome is Outcome.HELD


def test_a_fault_that_met_no_request_tells_nothing():
    """All is well where nothing was broken."""
    simple = {"vectors_down": (SIMPLE,)}

    _, verdict = held(DrillWorld(during=simple, meets_nothing=("vectors_down",)), drill())

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert texts(verdict) == "the fault `vectors_down` met no request"


def test_a_fault_that_must_end_a_process_must_end_one():
    """A worker that was not killed does no harm either."""
    made = drill(expect={"restarts_allowed": 2, "restarts_at_least": 1})

    assert held(DrillWorld(restarted=1), made)[1].outcome is Outcome.HELD
    _, none = held(DrillWorld(), made)
    assert (none.outcome, texts(none)) == (
        Outcome.DEVIATED,
        "0 restarts, at least 1 are to be: the fault ended nothing",
    )


def test_what_the_service_must_count_is_compared_with_what_it_counted():
    """Of all its series with these labels together; a counter that never moved shows that nothing was noticed."""
    poisoned = {"metric": "ranking_cache_lookups_total", "labels": {"outcome": "poisoned"}}
    made = drill(expect={"counters": [poisoned | {"grows_by_at_least": 5}]})
    series = 'ranking_cache_lookups_total{{kind="{}",outcome="{}"}}'.format
    noticed = {series("a", "poisoned"): 2, series("b", "poisoned"): 3}

    report, verdict = held(DrillWorld(counted=noticed), made)
    _, unnoticed = held(DrillWorld(counted={series("a", "hit"): 7}), made)
    unread = judge(replace(report, counters=()), made)

    assert (verdict.outcome, report.counters[0].growth) == (Outcome.HELD, 5)
    assert unnoticed.outcome is Outcome.DEVIATED
    assert (
        'ranking_cache_lookups_total{outcome="poisoned"} grew by 0 while the fault was on, at least 5 is expected'
        in texts(unnoticed)
    )
    assert unread.outcome is Outcome.INCONCLUSIVE
    assert "nobody could read what the service counts" in texts(unread)


def test_a_probe_that_was_not_asked_during_the_fault_tells_nothing():
    """One an hour is none at all in a minute."""
    probe = {"name": "ready", "url": "http://127.0.0.1/", "every": "1h"}

    _, verdict = held(DrillWorld(), drill(probes=[probe], expect={}))

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert texts(verdict) == "the probe `ready` was not asked once while the fault was on"


def test_pages_that_are_allowed_may_come_and_need_not():
    """All others still may not."""
    made = drill(expect={"allowed_pages": ["VectorStoreDown"]})
    page, other = replace(REACTION, is_page=True), AlertReaction(name="Other", is_page=True)

    assert held(DrillWorld(), made)[1].outcome is Outcome.HELD
    assert held(DrillWorld(alerts=(page,)), made)[1].outcome is Outcome.HELD
    assert "`Other` woke somebody" in texts(held(DrillWorld(alerts=(page, other)), made)[1])


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
