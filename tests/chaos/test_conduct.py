"""A drill undoes what it made on every way out, and is green only for what it saw."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.chaos.drills import between, drill, held, named, texts
from tests.fakes.drill_world import FAILED, SIMPLE, USUAL, AlertReaction, DrillWorld

from opsctl.chaos.conduct import hold
from opsctl.chaos.judge import judge
from opsctl.chaos.probes import ProbeAnswer
from opsctl.chaos.sample import Phase, Sample
from opsctl.chaos.verdict import Aspect, Outcome
from opsctl.core.errors import FailedError, OpsError, RefusedError
from opsctl.core.events import Event, PhaseAdvanced, PhaseStarted, ignore

ALERT = {"name": "VectorStoreDown", "detect_within": "30s", "resolve_within": "60s"}
REACTION = AlertReaction(name="VectorStoreDown")
WORLD_METHODS = (
    "apply", "undo", "renew", "lost_leases", "change_load", "take_samples", "active_alerts", "messages",
    "restarts", "residue", "calls", "unfelt",
)  # fmt: skip


def world(**script) -> DrillWorld:
    """Return a world in which the fault brings feeds to the simple tier."""
    return DrillWorld(**({"during": {"vectors_down": (SIMPLE,)}, "alerts": (REACTION,)} | script))


def test_a_drill_whose_expectations_are_met_is_held_with_its_figures():
    """Feeds from the tier below, the alert in time, all as usual afterwards."""
    report, verdict = held(
        made := world(), drill(expect={"tier": "simple", "alerts": [ALERT], "recovery": "20s"})
    )

    assert (verdict.outcome, verdict.reasons) == (Outcome.HELD, ())
    assert made.happened == ["apply vectors_down", "undo vectors_down"]
    assert report.phase(Phase.BASELINE).tiers == {"multi_agent": 1500}
    assert report.phase(Phase.FAULT).share_of("simple") == 1.0
    assert report.phase(Phase.FAULT).number == pytest.approx(1500, abs=5)
    assert report.recovered_seconds == 0.0
    alert = report.alert("VectorStoreDown")
    assert between(report.fault_at, alert.told_at) == pytest.approx(15, abs=1)
    assert between(report.undone_at, alert.over_at) == pytest.approx(20, abs=1)


@pytest.mark.parametrize(
    ("script", "aspect", "text"),
    [
        ({"during": {"vectors_down": (SIMPLE, SIMPLE, FAILED)}}, Aspect.AVAILABILITY, "requests missed"),
        (
            {"during": {"vectors_down": (Sample(at=0, seconds=0.9, status=200, tier="simple", items=20),)}},
            Aspect.LATENCY,
            "allowed are 500ms",
        ),
        (
            {"during": {"vectors_down": (*(SIMPLE,) * 999, Sample(at=0, seconds=0.1, status=200, items=0))}},
            Aspect.EMPTY_FEEDS,
            "empty feeds, allowed are 0",
        ),
        ({"during": {}}, Aspect.TIER, "`simple` served 0 % of the fresh answers, at least 90 % are to be"),
        ({"alerts": ()}, Aspect.ALERT, "`VectorStoreDown` did not fire, 30s are allowed"),
        (
            {"alerts": (AlertReaction(name="VectorStoreDown", told_after=None),)},
            Aspect.ALERT,
            "fired, but nobody was told",
        ),
        (
            {"alerts": (AlertReaction(name="VectorStoreDown", fires_after=40),)},
            Aspect.ALERT,
            "`VectorStoreDown` took 45 s, allowed are 30s",
        ),
        (
            {"alerts": (AlertReaction(name="VectorStoreDown", over_after=500),)},
            Aspect.ALERT,
            "was not over 60s after the undo",
        ),
        (
            {"alerts": (REACTION, AlertReaction(name="Other", is_page=True))},
            Aspect.ALERT,
            "`Other` woke somebody",
        ),
        ({"restarted": 2}, Aspect.RESTARTS, "2 restarts, allowed are 0"),
        (
            {"searches": 2},
            Aspect.ATTEMPTS,
            "vectors was called 2.00 times as often as usual for a feed, allowed are 1.30",
        ),
    ],
)
def test_whatever_is_not_as_expected_is_a_deviation_with_figure_and_limit(script, aspect, text):
    """One reason, and the drill is not held."""
    made = world(**script)

    _, verdict = held(
        made, drill(expect={"tier": "simple", "alerts": [ALERT], "most_calls": {"vectors": 1.3}})
    )

    assert verdict.outcome is Outcome.DEVIATED
    assert aspect in {reason.aspect for reason in verdict.reasons}
    assert text in texts(verdict)
    assert made.on == {}


def test_requests_that_failed_only_during_the_fault_count_although_all_is_well_afterwards():
    """What others miss, who look only before and after."""
    made = world(during={"vectors_down": (*(SIMPLE,) * 49, FAILED)})

    report, verdict = held(made, drill())

    assert report.after[0] == report.after[1]
    assert verdict.outcome is Outcome.DEVIATED
    assert "30 of 1500 requests missed (2 %)" in texts(verdict)


def test_a_recovery_that_takes_too_long_is_a_deviation():
    """Load is kept on, so that a service that does not come back by itself shows."""
    failing = {"vectors_down": (FAILED,)}
    lenient = {"steady_state": {"max_share": 1}, "stop_when": {"availability_below": 0}, "expect": {}}

    late, judged_late = held(world(during=failing, heals_after=33), drill(**lenient))
    never, judged_never = held(world(during=failing, heals_after=10_000), drill(**lenient))

    assert late.recovered_seconds == pytest.approx(32.5, abs=1)
    assert "took 33 s, allowed are 30s after the undo" in texts(judged_late)
    assert never.recovered_seconds is None
    assert "good answers a second did not come back, allowed are 30s" in texts(judged_never)
    assert "availability 0 % at the end" in texts(judged_never)


def test_the_guard_ends_a_fault_that_does_more_than_was_meant():
    """Undone at once; what it saw stands as a deviation, although there are fewer requests than planned."""
    made = world(during={"vectors_down": (FAILED,)})

    report, verdict = held(made, drill(stop_when={"availability_below": 0.5, "for": "10s"}))

    assert between(report.fault_at, report.undone_at) == pytest.approx(10, abs=1)
    assert verdict.outcome is Outcome.DEVIATED
    assert "stopped early: availability 0.8% for 10 s, below 50.0%" in texts(verdict)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ({"usual": (USUAL, FAILED)}, "baseline: availability 50 %, at least 99.5 % is steady"),
        ({"usual": (Sample(at=0, seconds=2, status=200),)}, "baseline: p99 2"),
        ({"noise": {"VectorStoreDown": "pending"}}, "the alert `VectorStoreDown` is pending already"),
        ({"left_before": ("proxy 1",)}, "left from before: proxy 1"),
    ],
)
def test_no_fault_is_made_where_the_baseline_is_not_steady(script, reason):
    """Nothing could be told from it, and it is never green."""
    made = world(**script)

    report, verdict = held(made, drill(expect={"alerts": [ALERT]}))

    assert made.happened == []
    assert report.fault_at is None
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert reason in texts(verdict)


def test_too_few_requests_tell_nothing():
    """One request a second for a minute is less than a hundred."""
    made = world()

    _, verdict = held(made, drill(load={"returning_per_second": 1, "new_per_second": 0}))

    assert made.happened == []
    assert "only 60 requests, at least 100 are needed" in texts(verdict)


def test_a_load_that_dies_during_the_fault_tells_nothing():
    """Nobody asked, so nobody missed anything."""
    _, verdict = held(world(load_stops_after=20), drill(expect={}))

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "so there was no load" in texts(verdict)


def test_a_lost_lease_ends_the_drill_and_leaves_it_open():
    """The fault was not there for as long as it was watched."""
    made = world(loses_lease_after=20)

    report, verdict = held(made, drill())

    assert report.lost_leases == ("vectors_down",)
    assert between(report.fault_at, report.undone_at) == pytest.approx(20, abs=1)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the lease of `vectors_down` was lost" in texts(verdict)


def test_leases_are_renewed_long_before_they_end():
    """Every third of their time."""
    made = world()

    held(made, drill())

    assert len(made.renewed) == 5
    assert set(made.renewed) == {("vectors_down", 30.0)}


def test_a_fault_that_cannot_be_made_is_undone_and_inconclusive():
    """Half a fault may be there."""
    made = world(trips={("apply", 1): FailedError("it cannot be made", code="FLT999")})

    _, verdict = held(made, drill())

    assert made.happened == ["apply vectors_down", "undo vectors_down"]
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "FLT999 it cannot be made" in texts(verdict)


def test_what_cannot_be_undone_is_named_as_residue():
    """Two tries in the step, two at the end."""
    trouble = FailedError("it hangs", code="FLT998")
    made = world(trips={("undo", number): trouble for number in range(1, 100)})

    report, verdict = held(made, drill())

    assert verdict.outcome is Outcome.RESIDUE
    assert report.residue == ("fault vectors_down",)
    assert "could not be undone: vectors_down: FLT998 it hangs; left behind: fault vectors_down" in texts(
        verdict
    )


def test_an_undo_that_works_at_the_second_try_leaves_nothing():
    """A service that is just starting may refuse once."""
    made = world(trips={("undo", 1): FailedError("not yet", code="FLT998")})

    report, verdict = held(made, drill())

    assert (report.undo_failures, verdict.outcome) == ((), Outcome.HELD)


def test_what_the_scan_finds_at_the_end_is_residue_whatever_else_was_seen():
    """Even where all else was well."""
    _, verdict = held(world(left=("stopped process 42",)), drill())

    assert verdict.outcome is Outcome.RESIDUE
    assert texts(verdict) == "left behind: stopped process 42"


@pytest.mark.slow
@given(
    method=st.sampled_from(WORLD_METHODS),
    call=st.integers(1, 400),
    error=st.sampled_from(["ctrl-c", "ops", "defect", "exit"]),
)
@settings(deadline=None, max_examples=120)
def test_every_fault_is_undone_whatever_is_raised_wherever(method, call, error):
    """Ctrl-C, an error of the world, a defect, or the end of the process, at any call."""
    raised = {
        "ctrl-c": KeyboardInterrupt(),
        "ops": OpsError("no", code="X"),
        "defect": ZeroDivisionError(),
        "exit": SystemExit(1),
    }[error]
    made = world(trips={(method, call): raised})
    short = drill(
        baseline="8s",
        method=[
            {"fault": "vectors_down", "lasts": "20s"},
            {"together": [{"fault": "vectors_down"}, {"fault": "database_down"}], "lasts": "15s"},
        ],
        stop_when={"availability_below": 0},
    )
    outcome = None
    try:
        report = hold(named(short), world=made, clock=made.clock, listener=ignore)
        outcome = judge(report, short).outcome
    except (ZeroDivisionError, SystemExit):
        assert error in ("defect", "exit")

    was_raised = made.asked[method] >= call
    # An undo whose process ends is the watchdog's business: no code runs after that here.
    if not (method == "undo" and error == "exit"):
        assert made.on == {}
    if outcome is Outcome.HELD:
        assert not was_raised or method == "undo"


def test_ctrl_c_ends_in_a_report_and_waits_for_no_recovery():
    """Whoever presses it wants to leave, but not to leave a fault behind."""
    made = world(trips={("take_samples", 200): KeyboardInterrupt()})

    report, verdict = held(made, drill())

    assert report.interrupted
    assert verdict.is_interrupted
    assert made.happened == ["apply vectors_down", "undo vectors_down"]
    assert between(report.undone_at, report.ended_at) < 1
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_a_second_ctrl_c_does_not_keep_a_fault_from_being_undone():
    """It comes while the undo is at work."""
    made = world(trips={("take_samples", 200): KeyboardInterrupt(), ("undo", 1): KeyboardInterrupt()})

    report, _ = held(made, drill())

    assert (made.on, report.undo_failures, report.interrupted) == ({}, (), True)


def test_faults_may_be_on_together_and_are_undone_the_last_first():
    """A slow vector database beside a dead cache."""
    made = world()
    both = [{"together": [{"fault": "vectors_down"}, {"fault": "l2_damaged"}], "lasts": "30s"}]

    report, verdict = held(made, drill(method=both))

    assert made.happened == [
        "apply vectors_down", "apply l2_damaged", "undo l2_damaged", "undo vectors_down",
    ]  # fmt: skip
    assert {span.fault for span in report.faults} == {"vectors_down", "l2_damaged"}
    assert verdict.outcome is Outcome.HELD


def test_a_runbook_command_must_end_the_trouble_while_the_fault_is_on():
    """It runs once the alert has arrived, and the time until feeds are as usual is measured."""
    failing = {"during": {"vectors_down": (SIMPLE, FAILED)}}
    cure = {"command": "opsctl service degrade", "ends_within": "20s"}
    settled = drill(
        mitigation=cure,
        steady_state={"max_share": 0.5},
        stop_when={"availability_below": 0},
        expect={"alerts": [ALERT]},
    )

    cured, held_well = held(world(cures="opsctl service degrade", **failing), settled)
    _, not_cured = held(world(**failing), settled)

    assert cured.mitigation is not None
    assert between(cured.fault_at, cured.mitigation.began_at) == pytest.approx(15, abs=1)
    assert cured.mitigation.ended_seconds == pytest.approx(0, abs=1)
    assert held_well.outcome is Outcome.HELD
    assert "`opsctl service degrade` failed" in texts(not_cured)
    assert "did not end the trouble, allowed are 20s" in texts(not_cured)


def test_probes_are_asked_in_every_phase_and_count_while_the_fault_is_on():
    """A refused connection is a miss, not an error of the drill."""
    probe = {"name": "health", "url": "http://127.0.0.1/readyz", "every": "5s"}
    made = world(answers={"vectors_down": ProbeAnswer(status=0)})

    report, verdict = held(made, drill(probes=[probe]))

    assert {(seen.phase, seen.missed > 0) for seen in report.probes} >= {
        (Phase.BASELINE, False), (Phase.FAULT, True), (Phase.RECOVERY, False),
    }  # fmt: skip
    assert "the probe `health` missed 12 of 12 times: no answer" in texts(verdict)


def test_a_drill_that_may_cost_more_than_is_left_is_not_begun():
    """Refused before anything is asked."""

    class Empty:
        def require(self, drill: str, *, minutes: float) -> None:
            raise RefusedError(f"{minutes:g} minutes", code="CHA020")

        def debit(self, drill: str, *, forecast: float, spent: float) -> None:
            raise AssertionError

    made = world()
    with pytest.raises(RefusedError, match="1 minutes"):
        held(made, drill(), purse=Empty())

    assert made.asked == {}


@pytest.mark.parametrize("error", [None, KeyboardInterrupt(), ZeroDivisionError()])
def test_what_was_burned_is_written_down_however_the_drill_ends(error):
    """Also after a defect."""
    paid: list[tuple[object, ...]] = []

    class Purse:
        def require(self, drill: str, *, minutes: float) -> None:
            paid.append(("require", minutes))

        def debit(self, drill: str, *, forecast: float, spent: float) -> None:
            paid.append((drill, forecast, spent))

    made = world(
        during={"vectors_down": (SIMPLE, FAILED)}, trips={("take_samples", 238): error} if error else {}
    )
    try:
        held(made, drill(steady_state={"max_share": 0.5}, stop_when={"availability_below": 0}), purse=Purse())
    except ZeroDivisionError:
        assert isinstance(error, ZeroDivisionError)

    assert paid[0] == ("require", pytest.approx(100))
    assert paid[1] == (
        "vectors-down",
        pytest.approx(100),
        pytest.approx(100 if error is None else 98, rel=0.05),
    )


def test_a_listener_hears_each_stage_second_by_second():
    """For a bar with a known length."""
    heard: list[Event] = []
    made = world()

    hold(named(drill()), world=made, clock=made.clock, listener=heard.append)

    started = [(event.phase, event.total) for event in heard if isinstance(event, PhaseStarted)]
    assert started == [("baseline", 60), ("vectors_down", 60), ("recovery", 50), ("settle", 10)]
    assert sum(event.advance for event in heard if isinstance(event, PhaseAdvanced)) == 135
