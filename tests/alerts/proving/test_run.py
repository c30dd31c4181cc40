"""A drill shows whether the right message arrives in time, and says so in no other case."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.alerts.books import compiled, every_kind
from tests.fakes.clock import FakeClock
from tests.fakes.watchers import Reaction, ScriptedWorld

from opsctl.alerts.book import Drill, Objective
from opsctl.alerts.proving.evidence import Circumstances, quiet_evidence, rule_digest
from opsctl.alerts.proving.judge import judge, worst
from opsctl.alerts.proving.model import Proof, ProofLevel, Sighting
from opsctl.alerts.proving.plan import plan_proofs, without_muting
from opsctl.alerts.proving.run import Conduct, Prover, QuietDrill
from opsctl.alerts.rules import AlertRule, RuleSet
from opsctl.alerts.severity import AlertSeverity
from opsctl.alerts.testing.mutants import with_rule
from opsctl.clients.alert_sink import Delivery
from opsctl.core.events import ignore
from opsctl.core.findings import Location
from opsctl.evidence.model import Verdict


def rule(
    name: str,
    *,
    fault: str | None = "vectors_down",
    receivers: tuple[str, ...] = ("slack",),
    severity: AlertSeverity = AlertSeverity.WARNING,
    within: float = 60.0,
    inhibited_by: tuple[str, ...] = (),
) -> AlertRule:
    """Return an alert as the compiler would give it."""
    return AlertRule(
        name=name,
        group="g",
        rule=name,
        expr="up < 1",
        signal_expr="up",
        for_seconds=15,
        severity=severity,
        labels={"severity": str(severity)},
        annotations={"runbook_url": f"{name}.md"},
        receivers=receivers,
        runbook=f"{name}.md",
        location=Location(file="alerts/x.yaml"),
        detect_within_seconds=within,
        drill=Drill(fault=fault) if fault else None,
        undrilled=None if fault else "it takes days",
        inhibited_by=inhibited_by,
        predicted_seconds=30.0,
    )


WATCHDOG = rule("Watchdog", fault="nothing", receivers=("switch",), severity=AlertSeverity.NONE)


def world(*reactions: Reaction, **others: object) -> ScriptedWorld:
    """Return a world in which the fault `vectors_down` raises these."""
    return ScriptedWorld(
        clock=FakeClock(),
        reactions={"vectors_down": reactions},
        always=(Reaction(rule=WATCHDOG),),
        **others,  # type: ignore[arg-type]
    )


def prove(made: ScriptedWorld, *rules: AlertRule) -> dict[str, Proof]:
    """Hold the drills of these rules, after the drill without a fault."""
    prover = prover_of(made)
    prover.stay_quiet()
    return {proof.alert: proof for proof in prover.prove(plan_proofs(rules))}


def prover_of(made: ScriptedWorld, *, looks_back_seconds: float = 0.0) -> Prover:
    """Return a prover of this world."""
    conduct = Conduct(
        always=frozenset({"Watchdog"}),
        predict=lambda alert: alert.predicted_seconds,
        looks_back_seconds=lambda _: looks_back_seconds,
    )
    return Prover(watchers=made, faults=made, clock=made.clock, listener=ignore, conduct=conduct)


def test_an_alert_that_arrives_in_time_is_proven_with_its_measured_time():
    """From the fault to the message, and from the undo to the message that it is over."""
    high = rule("high", receivers=("slack", "pagerduty"))
    made = world(Reaction(rule=high, fires_after=20, sent_after=5, over_after=60))

    proof = prove(made, high)["high"]

    assert (proof.verdict, proof.level, proof.problems) == (Verdict.PASS, ProofLevel.ARRIVED, ())
    assert proof.measured_seconds == pytest.approx(25, abs=1)
    assert proof.resolved_seconds == pytest.approx(65, abs=1)
    assert proof.predicted_seconds == 30.0
    assert made.made == made.undone == ["vectors_down"]


@pytest.mark.parametrize(
    ("reaction", "problem"),
    [
        ({"fires_after": 70}, "allowed are 1 min 0 s"),
        ({"receivers": ()}, "it fired, but no message arrived"),
        ({"receivers": ("slack",)}, "nothing arrived at pagerduty"),
        ({"receivers": ("slack", "pagerduty", "email")}, "email was told, which is not one of its receivers"),
        ({"severity": "warning"}, "told severity `warning` instead of `critical`"),
        ({"runbook": ""}, "told runbook `` instead of `high.md`"),
        ({"over_after": 10_000}, "no message said that it was over"),
        ({"fires_after": 10_000}, "it did not fire"),
    ],
)
def test_whatever_is_wrong_with_the_message_fails_the_proof(reaction, problem):
    """Late, lost, at the wrong place, with the wrong words, or without an end."""
    high = rule("high", receivers=("slack", "pagerduty"), severity=AlertSeverity.CRITICAL)
    made = world(Reaction(rule=high, **reaction))

    proof = prove(made, high)["high"]

    assert proof.verdict is Verdict.FAIL
    assert problem in "; ".join(proof.problems)
    assert made.undone == ["vectors_down"]


def test_a_muted_alert_counts_only_where_the_book_says_so_and_its_way_works():
    """Muted by another alert than the book's is a message that somebody misses."""
    better = rule("better")
    as_said = rule("as_said", inhibited_by=("better",))
    by_mistake = rule("by_mistake")
    made = world(
        Reaction(rule=better),
        Reaction(rule=as_said, muted_by=("better",)),
        Reaction(rule=by_mistake, muted_by=("better",)),
    )

    proofs = prove(made, better, as_said, by_mistake)

    assert (proofs["as_said"].level, proofs["as_said"].verdict) == (ProofLevel.MUTED, Verdict.PASS)
    assert made.made_up_batches == [("as_said",)]
    assert proofs["by_mistake"].problems == ("it fired, but no message arrived, muted by better",)


def test_the_message_of_a_muted_alert_after_the_undo_is_not_the_time_of_its_detection():
    """What muted it ended first, so it was told minutes after the fault."""
    muted = rule("muted", inhibited_by=("better",))
    late = Delivery(
        at=400.0,
        receiver="slack",
        status="firing",
        alertname="muted",
        severity="warning",
        runbook_url="muted.md",
    )
    sighting = Sighting(firing_at=120.0, muted_by=frozenset({"better"}), messages=(late,))

    proof = judge(muted, sighting, fault_at=100.0, undone_at=200.0, also_fired=(), predicted_seconds=30.0)

    assert (proof.level, proof.measured_seconds, proof.problems) == (ProofLevel.MUTED, 20.0, ())


def test_an_alert_that_ends_while_the_fault_goes_on_is_not_proven():
    """Who is told that all is well while it is not goes back to bed."""
    flapping = rule("flapping")
    messages = [
        Delivery(
            at=at,
            receiver="slack",
            status=status,
            alertname="flapping",
            severity="warning",
            runbook_url="flapping.md",
        )
        for at, status in ((115.0, "firing"), (160.0, "resolved"), (220.0, "firing"))
    ]

    def problems(*of: Delivery) -> tuple[str, ...]:
        sighting = Sighting(firing_at=110.0, messages=of)
        return judge(
            flapping, sighting, fault_at=100.0, undone_at=300.0, also_fired=(), predicted_seconds=30.0
        ).problems

    assert problems(*messages) == ("no message said that it was over",)
    assert problems(*messages[:2]) == ("it was told to be over 2 min 20 s before the fault was undone",)


def test_a_muted_alert_whose_way_is_lost_fails():
    """That it fired is not enough: one day it will fire alone."""
    better, muted = rule("better"), rule("muted", receivers=("email",), inhibited_by=("better",))
    made = world(Reaction(rule=better), Reaction(rule=muted, muted_by=("better",)), lost_ways=("email",))

    proof = prove(made, better, muted)["muted"]

    assert (proof.verdict, proof.problems) == (Verdict.FAIL, ("nothing arrived at email",))


def test_an_alert_that_no_drill_can_raise_is_proven_by_a_made_up_one_and_says_so():
    """Its way is shown, nothing else."""
    slow = rule("slow", fault=None)

    proof = prove(world(), slow)["slow"]

    assert (proof.level, proof.verdict, proof.fault) == (ProofLevel.MADE_UP, Verdict.PASS, "")


def test_made_up_alerts_are_sent_before_any_fault_leaves_something_burning():
    """A budget that burns for hours after its drill would mute them, and their way would look lost."""
    fast, day = rule("fast"), rule("day", fault=None, inhibited_by=("fast",))
    slow = rule("slow", inhibited_by=("fast",))
    made = world(
        Reaction(rule=fast, over_after=100_000), Reaction(rule=slow, muted_by=("fast",), over_after=100_000)
    )

    proofs = prove(made, fast, day, slow)

    assert (proofs["day"].level, proofs["day"].verdict) == (ProofLevel.MADE_UP, Verdict.PASS)
    assert (proofs["slow"].level, proofs["slow"].problems) == (ProofLevel.MUTED, ())


def test_what_is_only_shown_is_measured_by_prometheus_own_word():
    """Nobody is told of `info`."""
    shown = rule("shown", receivers=(), severity=AlertSeverity.INFO)

    proof = prove(world(Reaction(rule=shown, fires_after=30)), shown)["shown"]

    assert (proof.level, proof.verdict) == (ProofLevel.SHOWN, Verdict.PASS)
    assert proof.measured_seconds == pytest.approx(30, abs=1)


def test_nothing_is_claimed_of_an_alert_that_was_there_before_the_fault():
    """It may be the one that was waited for."""
    high = rule("high")
    made = world(Reaction(rule=high), noise={"high": "pending"})

    proof = prove(made, high)["high"]

    assert proof.verdict is Verdict.INCONCLUSIVE
    assert proof.problems == ("high did not end before the fault was to be made",)
    assert made.made == []


def test_nothing_is_claimed_while_something_fires_that_would_mute_the_alert():
    """Its message would not come, and that would prove nothing."""
    high = rule("high", inhibited_by=("worse",))

    proof = prove(world(Reaction(rule=high), noise={"worse": "firing"}), high)["high"]

    assert proof.verdict is Verdict.INCONCLUSIVE


def test_other_alerts_may_go_on_and_are_not_told_as_raised_by_the_fault():
    """A burn alert of the fault before ends minutes later; one that waits for a day is always pending."""
    high = rule("high")
    made = world(Reaction(rule=high), noise={"burn": "firing", "slow": "pending"})

    proof = prove(made, high)["high"]

    assert proof.verdict is Verdict.PASS
    assert proof.also_fired == ()


def test_a_fault_that_cannot_be_made_is_undone_and_inconclusive():
    """Half a fault may be there."""
    high = rule("high")
    made = world(Reaction(rule=high), refused=("vectors_down",))

    proof = prove(made, high)["high"]

    assert proof.verdict is Verdict.INCONCLUSIVE
    assert made.undone == ["vectors_down"]


def test_the_fault_is_undone_when_the_command_is_interrupted():
    """Ctrl-C while the message is waited for."""
    high = rule("high")
    made = world(Reaction(rule=high, fires_after=10_000))
    prover = prover_of(made)
    prover.stay_quiet()

    class Interrupt(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if "vectors_down" in made.made:
                raise KeyboardInterrupt

    clock = Interrupt()
    clock.seconds = made.clock.seconds
    prover._watch.clock = clock
    with pytest.raises(KeyboardInterrupt):
        list(prover.prove(plan_proofs([high])))

    assert made.undone == ["vectors_down"]


def test_the_watchdog_is_proven_by_the_message_of_the_start():
    """It never begins and never ends."""
    proof = prove(world(), WATCHDOG)["Watchdog"]

    assert (proof.level, proof.verdict) == (ProofLevel.ARRIVED, Verdict.PASS)


def test_what_fires_without_a_fault_is_told():
    """The drill without a fault."""
    assert prover_of(world(noise={"nervous": "firing"})).stay_quiet().fired == ("nervous",)
    assert prover_of(world()).stay_quiet().fired == ()


def test_the_end_of_an_alert_that_looks_back_for_long_is_not_awaited_and_the_proof_says_so():
    """A budget's window of half an hour holds the fault for half an hour."""
    burn = rule("burn")
    made = world(Reaction(rule=burn, fires_after=20, over_after=10_000))
    began = made.clock.monotonic()

    (proof,) = prover_of(made, looks_back_seconds=1800).prove(plan_proofs([burn]))

    assert (proof.verdict, proof.resolved_seconds, proof.is_end_awaited) == (Verdict.PASS, None, False)
    assert made.clock.monotonic() - began < 60


def test_budgets_are_burned_before_other_faults_do_it():
    """What earlier drills burned would make an alert fire before its own."""
    plain, burn = rule("plain"), replace(rule("burn", fault="cold_outage"), tier="fast")
    made = world()

    list(prover_of(made).prove(plan_proofs([plain, burn])))

    assert made.made == ["cold_outage", "vectors_down"]


def test_one_drill_proves_all_alerts_of_a_fault():
    """However many there are."""
    rules = [rule("one"), rule("two", fault="other"), rule("three"), rule("slow", within=3600)]

    plan = plan_proofs(rules)

    assert [(drill.fault, [alert.name for alert in drill.alerts]) for drill in plan.drills] == [
        ("vectors_down", ["one", "three"]),
        ("other", ["two"]),
    ]
    assert [alert.name for alert in plan.made_up] == ["slow"]


def test_alerts_that_mute_each_other_are_never_sent_together():
    """The muted one would not arrive, and that would prove nothing."""
    one, two = rule("one"), rule("two", inhibited_by=("one",))

    assert [[alert.name for alert in batch] for batch in without_muting([one, two, rule("three")])] == [
        ["one", "three"],
        ["two"],
    ]


def test_an_old_proof_shows_when_the_rule_changes():
    """By the digest of what was proven."""
    one = rule("one")
    changes = [
        rule("one", receivers=("email",)),
        rule("one", fault="other"),
        rule("one", within=30.0),
        replace(one, keep_firing_for_seconds=60.0),
        replace(one, drill=Drill(fault="vectors_down", share=0.5)),
    ]

    assert digest(one) == digest(rule("one"))
    assert len({digest(each) for each in (one, *changes)}) == 1 + len(changes)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("quick", {"indicator": {"within_seconds": 5.0}}),
        ("availability", {"indicator": {"of": 'ranking_requests_total{status="4xx",route="feed"}'}}),
        ("availability", {"detect_within": "30s"}),
    ],
)
def test_an_old_proof_of_a_budget_shows_when_it_measures_something_else(name, changes):
    """Its alert only names the ratio that it compares; other budgets' proofs stay."""
    books = every_kind()
    objective = books.rule(name)
    assert isinstance(objective, Objective)
    parts = {
        key: objective.indicator.model_copy(update=value) if key == "indicator" else value
        for key, value in changes.items()
    }
    now = compiled(with_rule(books, name, objective.model_copy(update=parts)))

    before = {alert.name: rule_digest(alert, compiled(books)) for alert in compiled(books).alerts}
    stale = {alert.name for alert in now.alerts if rule_digest(alert, now) != before[alert.name]}

    assert f"{name}_burn_fast" in stale
    assert {alert.rule for alert in now.alerts if alert.name in stale} == {name}


def test_a_query_rests_on_recordings_of_recordings():
    """Of the labels that it asks for, and of those below them."""
    books = every_kind()
    rules = compiled(books)
    query = replace(rule("one"), expr='slo:burn_rate:ratio_rate1h{slo="quick"} > 2')

    below = {(each.labels["slo"], each.name) for each in rules.recordings_below(query)}

    assert below == {("quick", "slo:burn_rate:ratio_rate1h"), ("quick", "slo:errors:ratio_rate1h")}


def digest(alert: AlertRule) -> str:
    """Return the digest of an alert that reads no recordings."""
    return rule_digest(alert, RuleSet(alerts=(alert,), recordings=()))


@pytest.mark.parametrize(
    ("verdicts", "together"),
    [
        ([Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL], Verdict.FAIL),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
        ([Verdict.PASS], Verdict.PASS),
        ([], Verdict.INCONCLUSIVE),
    ],
)
def test_many_proofs_are_as_good_as_the_worst(verdicts, together):
    """And none at all is no pass."""
    assert worst(verdicts) is together


def test_that_nothing_fired_is_a_proof_of_these_rules_only():
    """With another expression or one rule more it says nothing of what would fire now."""
    circumstances = Circumstances(
        started_at=datetime(2026, 11, 29, tzinfo=UTC), duration_seconds=60.0, tools={}
    )

    def rules(*alerts: AlertRule) -> str:
        quiet = QuietDrill(seconds=30.0, fired=())
        return quiet_evidence(
            quiet, rules=RuleSet(alerts=alerts, recordings=()), circumstances=circumstances
        ).inputs["rules"]

    one = rule("Down")
    assert rules(one) == rules(rule("Down"))
    assert rules(one) not in {rules(replace(one, expr="up < 2")), rules(one, rule("Other"))}
