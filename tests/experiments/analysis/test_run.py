"""An analysis says what its data say, by the rules of the book, and nothing before the rules allow it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from opsctl.experiments.analysis.checks import Seen
from opsctl.experiments.analysis.document import analysis_evidence, guardrails_of, to_document
from opsctl.experiments.analysis.model import Analysis, EventData, MetricData, Snapshot, Subject, UnitData
from opsctl.experiments.analysis.run import analyse
from opsctl.experiments.book import Experiment
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.quantile import quantile_statistics
from opsctl.experiments.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

START = datetime(2026, 11, 1, tzinfo=UTC)
BOOK: dict[str, Any] = {
    "title": "four or six agents",
    "hypothesis": "six agents find more than four",
    "owner": "ranking",
    "decision": "ship six if they are better",
    "arms": {"control": {"weight": 0.5}, "six": {"weight": 0.5}},
    "horizon": "14d",
    "units": 4000,
    "metrics": {
        "clicks": {"kind": "mean", "events": ["click"], "role": "primary", "mde": "5%"},
        "return": {"kind": "proportion", "events": ["session"], "role": "guardrail", "margin": "5pp"},
    },
}


def subject(**changes: Any) -> Subject:
    """Return an experiment with these changes of its book."""
    book = Experiment.model_validate(BOOK | changes)
    return Subject(name="agents", experiment=book, digest="0" * 64, started_at=START)


def at_day(day: float, *, units: int = 2000, lift: float = 0.0, harm: float = 0.0, seed: int = 1) -> Snapshot:
    """Return what is known on a day: clicks of a mean of 5, and three quarters of the readers who come back."""
    generator = np.random.Generator(np.random.PCG64(seed))
    clicks = {
        arm: generator.poisson(5 * (1 + (lift if arm == "six" else 0)), units) for arm in ("control", "six")
    }
    back = {arm: generator.random(units) < 0.75 - (harm if arm == "six" else 0) for arm in ("control", "six")}
    metrics: Mapping[str, MetricData] = {
        "clicks": UnitData(arms={arm: [moments_of(values.astype(float))] for arm, values in clicks.items()}),
        "return": UnitData(arms={arm: [moments_of(values.astype(float))] for arm, values in back.items()}),
    }
    return Snapshot(at=START + timedelta(days=day), units=dict.fromkeys(clicks, units), metrics=metrics)


def analysed(*snapshots: Snapshot, seen: Seen | None = None, **changes: Any) -> Analysis:
    """Return the analysis of these moments."""
    return analyse(subject(**changes), snapshots, seen=seen or Seen(units=snapshots[-1].units))


def test_a_real_lift_is_shipped_at_the_horizon() -> None:
    """With the lift and its interval in the reason."""
    analysis = analysed(at_day(14, lift=0.1))

    assert (analysis.verdict.outcome, analysis.verdict.arm) == (Outcome.SHIP, "six")
    assert analysis.verdict.reasons[0].startswith("`clicks` is better: +")
    clicks = next(result for result in analysis.results if result.metric == "clicks")
    assert clicks.lift == pytest.approx(0.1, abs=0.03)
    assert clicks.adjusted_p is not None
    assert clicks.adjusted_p < 1e-6


def test_the_same_lift_ships_nothing_on_the_third_day_of_a_fixed_horizon() -> None:
    """The figures that are told then hold at any time."""
    analysis = analysed(at_day(3, lift=0.1))

    assert analysis.verdict.outcome is Outcome.KEEP_RUNNING
    assert "2026-11-15" in analysis.verdict.reasons[0]
    assert all("hold at any time" in " ".join(result.notes) for result in analysis.results)


def test_an_always_valid_rule_may_ship_on_the_third_day() -> None:
    """For a lift that is plain enough."""
    plain = analysed(at_day(3, lift=0.1, harm=-0.05), stopping={"rule": "always_valid"})
    doubtful = analysed(at_day(3, lift=0.1, harm=0.02), stopping={"rule": "always_valid"})

    assert plain.verdict.outcome is Outcome.SHIP
    assert doubtful.verdict.outcome is Outcome.KEEP_RUNNING
    assert doubtful.verdict.reasons[-1] == (
        "the next look that counts is at any time until 2026-11-15 00:00 UTC"
    )


def test_planned_looks_decide_and_those_in_between_do_not() -> None:
    """A bound that is crossed at the first planned look stands, whatever is seen the day after."""
    stopping = {"rule": "group_sequential", "looks": ["7d"]}
    early = analysed(at_day(6, lift=0.1), stopping=stopping)
    planned = analysed(at_day(6, lift=0.1), at_day(7, units=1000, lift=0.1), stopping=stopping)
    after = analysed(at_day(7, units=1000, lift=0.1), at_day(8, units=1200, lift=0.0), stopping=stopping)

    assert early.verdict.outcome is Outcome.KEEP_RUNNING
    assert early.results[0].inference.p_value is None
    assert planned.results[0].shown.is_better
    assert after.results[0].inference.p_value == planned.results[0].inference.p_value


def test_a_broken_guardrail_stops_at_once() -> None:
    """Even under a fixed horizon, and although clicks rise."""
    analysis = analysed(at_day(3, lift=0.1, harm=0.2))

    assert analysis.verdict.outcome is Outcome.DO_NOT_SHIP
    assert analysis.verdict.reasons[0].startswith("guardrail `return` is broken: -")


def test_arms_of_the_wrong_sizes_make_everything_invalid() -> None:
    """Overall, among the values of a dimension, in an arm that gets nobody, and with units in several arms."""
    snapshot = at_day(14, lift=0.1)
    wrong = [
        Seen(units={"control": 2000, "six": 2300}),
        Seen(units={"control": 2000, "six": 2000, "ten": 1}),
        Seen(units={"control": 2000, "six": 2000}, in_several_arms=60),
        Seen(
            units={"control": 2000, "six": 2000},
            by_value={
                "segment=cold": {"control": 900, "six": 600},
                "segment=heavy": {"control": 1100, "six": 1400},
            },
        ),
    ]

    for seen in wrong:
        analysis = analysed(snapshot, seen=seen, dimensions=["segment"])
        assert analysis.verdict.outcome is Outcome.INVALID, seen


def test_sizes_that_one_look_alone_would_call_wrong_are_not_called_so_while_units_come() -> None:
    """Somebody looks every day, so each look has a small part of the error rate; at the horizon there is one look left."""
    sizes = Seen(units={"control": 1000, "six": 1160})  # chi-square says p = 0.0006

    early = analysed(at_day(7, lift=0.1), seen=sizes)
    at_end = analysed(at_day(14, lift=0.1), seen=Seen(units={"control": 1000, "six": 1180}))

    assert early.verdict.outcome is Outcome.KEEP_RUNNING
    assert "at any look" in early.checks[0].says
    assert at_end.verdict.outcome is Outcome.INVALID


def test_a_few_units_in_two_arms_are_taken_out_and_said() -> None:
    """They are no reason to throw everything away."""
    analysis = analysed(
        at_day(14, lift=0.1), seen=Seen(units={"control": 2000, "six": 2000}, in_several_arms=3)
    )

    assert analysis.verdict.outcome is Outcome.SHIP
    assert "3 units (0.07%) saw several arms; they are taken out" in [check.says for check in analysis.checks]


def test_too_few_units_are_said_with_how_many_would_do() -> None:
    """No effect found in forty readers says little."""
    analysis = analysed(at_day(14, units=20))

    assert analysis.verdict.outcome is Outcome.DO_NOT_SHIP
    assert "would have been enough" in analysis.verdict.reasons[0]


def test_a_metric_that_says_nothing_is_told_with_the_reason() -> None:
    """One unit an arm, and units that do not differ at all."""
    nobody = analysed(at_day(14, units=1))
    flat: Mapping[str, MetricData] = {
        name: UnitData(arms={arm: [moments_of(np.full(50, 1.0))] for arm in ("control", "six")})
        for name in ("clicks", "return")
    }
    same = analysed(Snapshot(at=START + timedelta(days=14), units={"control": 50, "six": 50}, metrics=flat))

    assert same.results[-1].shown.effect == "the same for all 100 units (1)"
    assert "one unit only" in nobody.results[0].shown.effect
    assert "no unit differs from another" in same.results[0].shown.effect
    assert same.verdict.outcome is Outcome.DO_NOT_SHIP


def test_a_quantile_is_a_metric_like_any_other() -> None:
    """Of events, with units as clusters."""
    generator = np.random.Generator(np.random.PCG64(4))
    data = {
        arm: quantile_statistics(
            generator.gamma(4, 20 * factor, 20_000), units=np.repeat(np.arange(2000), 10), level=0.95
        )
        for arm, factor in (("control", 1.0), ("six", 0.8))
    }
    metric = {
        "kind": "quantile",
        "events": ["latency"],
        "quantile": 0.95,
        "role": "primary",
        "direction": "decrease",
    }
    snapshot = Snapshot(
        at=START + timedelta(days=14),
        units={"control": 2000, "six": 2000},
        metrics={"latency": EventData(arms=data)},
    )

    analysis = analysed(snapshot, metrics={"latency": metric})

    assert analysis.verdict.outcome is Outcome.SHIP
    assert analysis.results[0].lift == pytest.approx(-0.2, abs=0.03)


def test_the_same_snapshots_give_the_same_analysis() -> None:
    """Figure by figure."""
    snapshots = [at_day(day, units=200 * day, lift=0.03) for day in (3, 7, 14)]

    assert analysed(*snapshots) == analysed(*snapshots)


def unvaried(value: float, *, units: int = 2000, day: float = 14.0, metric: str = "return") -> Snapshot:
    """Return a snapshot of a good lift, and of a guardrail that is the same for every reader."""
    usual = at_day(day, units=units, lift=0.15)
    flat = UnitData(arms={arm: [moments_of(np.full(units, value))] for arm in ("control", "six")})
    return replace(usual, metrics={"clicks": usual.metrics["clicks"], metric: flat})


ERRORS = {"kind": "proportion", "events": ["error"], "role": "guardrail", "direction": "decrease"}


def with_errors(**changes: Any) -> dict[str, Any]:
    """Return metrics with a guardrail that is to stay low."""
    return {"clicks": BOOK["metrics"]["clicks"], "errors": ERRORS | {"margin": "1pp"} | changes}


def test_a_guardrail_that_is_the_same_for_all_readers_does_not_hold_up_a_verdict_for_ever() -> None:
    """Of 2,000 readers none of whom came back less, at most 0.2 % can; the margin is 5 points."""
    analysis = analysed(unvaried(1.0))
    result = analysis.results[-1]

    assert analysis.verdict.outcome is Outcome.SHIP
    assert analysis.verdict.reasons[1] == (
        "`return` is not worse by more than its margin: the same for all 4,000 units (1)"
    )
    assert result.inference.p_value == pytest.approx(2 * 0.95**2000, abs=1e-12)
    assert "at most 0.18% can be affected" in " ".join(result.notes)


def test_with_too_few_readers_it_does_and_says_how_many_would_do() -> None:
    """97.5 % of certainty that fewer than one in a hundred is affected takes 368 readers of the arm."""
    few, enough = (
        analysed(unvaried(0.0, units=units, metric="errors"), metrics=with_errors()) for units in (367, 368)
    )

    assert few.verdict.outcome is Outcome.DO_NOT_SHIP
    assert "its margin is not kept for certain: the same for all 734 units (0)" in few.verdict.reasons[0]
    assert "368 such units of the arm would show that it is kept" in " ".join(few.results[-1].notes)
    assert enough.verdict.outcome is Outcome.SHIP


def test_nothing_that_happened_is_a_warning_and_of_what_is_to_stay_high_no_margin_that_is_kept() -> None:
    """It may be that nobody writes the event: could not tell is no pass."""
    silent = analysed(unvaried(0.0))
    low = analysed(unvaried(0.0, metric="errors"), metrics=with_errors())

    assert silent.verdict.outcome is Outcome.DO_NOT_SHIP
    assert "nobody in either arm had any of its events" in silent.verdict.reasons[0]
    warnings = [check for check in low.checks if check.is_warning]
    assert [check.name for check in warnings] == ["events of errors"]
    assert "nobody had any (error)" in warnings[0].says
    assert not any(check.is_warning for check in analysed(at_day(14)).checks)


def test_a_margin_in_clicks_says_nothing_where_nobody_clicks() -> None:
    """0.3 of them is no share of readers; the reason says what to write."""
    analysis = analysed(
        unvaried(0.0, metric="errors"), metrics=with_errors(kind="mean", margin="0.3", direction="decrease")
    )

    assert analysis.verdict.outcome is Outcome.DO_NOT_SHIP
    assert "write it as `2%`" in analysis.verdict.reasons[0]


def test_what_could_not_be_read_is_told() -> None:
    """With how much of it, and in which arm; nothing is invalid by that."""
    seen = Seen(units={"control": 2000, "six": 2000}, unreadable=7, spoiled={"control": 0, "six": 12})

    analysis = analysed(at_day(14, lift=0.1), seen=seen)
    document = to_document(analysis)

    assert analysis.verdict.outcome is Outcome.SHIP
    assert [check["says"] for check in document["checks"] if check["is_warning"]] == [
        "7 without a unit, an arm or a time do not count; see who writes them",
        "missing, NaN or infinite: 12 in `six`; those events count in no metric",
    ]
    assert analysis_evidence(analysis, seconds=1.0).figures["warnings"] == [
        check.says for check in analysis.checks if check.is_warning
    ]


def test_the_record_says_of_each_guardrail_whether_it_is_broken() -> None:
    """Broken, kept, or neither is shown: for the alert."""
    broken, kept, doubtful = (
        guardrails_of(analysed(snapshot))
        for snapshot in (at_day(3, harm=0.2), at_day(14), at_day(14, units=60))
    )

    assert (broken, kept, doubtful) == (
        {"return/six": "broken"},
        {"return/six": "kept"},
        {"return/six": "uncertain"},
    )


def test_a_lift_is_of_the_look_that_its_interval_is_of() -> None:
    """The day after a planned look the figures are still of that, and say so."""
    days = [at_day(7, units=1000, lift=0.1), at_day(8, units=1200, lift=-0.4, seed=2)]

    planned, after = (
        analysed(*seen, stopping={"rule": "group_sequential", "looks": ["7d"]}).results[0]
        for seen in (days[:1], days)
    )

    assert (after.lift, after.difference) == (planned.lift, planned.difference)
    assert after.shown.effect == planned.shown.effect
    assert "these figures are of the planned look of 2026-11-08 00:00 UTC" in after.notes
    assert not any("planned look" in note for note in planned.notes)


def test_planned_looks_an_hour_apart_are_spaced_and_analysed() -> None:
    """Nearer to each other than half a percent of the horizon they count as so far apart, in the plan as in the bounds."""
    days = [at_day(7, units=1000), at_day(7 + 1 / 24, units=1002)]

    analysis = analysed(*days, stopping={"rule": "group_sequential", "looks": ["7d", "7d1h"]})

    assert analysis.verdict.outcome is Outcome.KEEP_RUNNING
    assert analysis.results[0].detectable is not None


def test_looks_near_to_all_planned_units_take_nothing_from_the_horizon() -> None:
    """Hardly anybody comes any more: spaced apart, the second look has all units, and what was decided there stands."""
    days = [at_day(day, units=units, lift=0.3) for day, units in ((12, 1997), (13, 1998), (14, 1999))]
    windowed = BOOK["metrics"]["clicks"] | {"window": "1d"}

    analysis = analysed(
        *days,
        stopping={"rule": "group_sequential", "looks": ["12d", "13d"]},
        metrics={"clicks": windowed},
    )

    assert analysis.results[0].inference.p_value is not None
    assert analysis.verdict.outcome is Outcome.SHIP


def test_values_that_are_not_cut_off_although_the_book_says_so_are_told() -> None:
    """With the reason; nothing is invalid by that."""
    snapshot = at_day(14, lift=0.1)
    clicks = snapshot.metrics["clicks"]
    assert isinstance(clicks, UnitData)
    uncut = replace(clicks, uncut=CannotTell(code="EXP096", because="of 4 units not one lies above"))

    result = analysed(replace(snapshot, metrics={**snapshot.metrics, "clicks": uncut})).results[0]

    assert "values are not cut off (`winsorise`): of 4 units not one lies above" in result.notes


def test_without_a_treatment_that_anybody_gets_nothing_is_said_but_that() -> None:
    """Started before such a book was refused."""
    arms = {"control": {"weight": 1.0}, "six": {"weight": 0.0}}

    verdict = analysed(at_day(14), seen=Seen(units={"control": 2000}), arms=arms).verdict

    assert verdict.outcome is Outcome.INVALID
    assert "no treatment has a weight" in verdict.reasons[0]
