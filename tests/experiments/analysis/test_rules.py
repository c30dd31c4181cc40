"""What a look says points where the data that decide point, and is held to the error rate that the book names."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from tests.experiments.analysis.test_run import START, analysed, at_day, subject

from opsctl.experiments.analysis.checks import Seen as SeenUnits
from opsctl.experiments.analysis.concurrent import is_concurrent
from opsctl.experiments.analysis.model import Pair
from opsctl.experiments.analysis.rules import Seen, infer, look_at
from opsctl.experiments.analysis.run import analyse
from opsctl.experiments.effects import parse_effect
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare, not_inferior
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.verdict import Outcome

SEQUENTIAL = {"rule": "group_sequential", "looks": ["4d", "7d", "10d"]}
PRIMARY_MARGIN = {
    "clicks": {
        "kind": "mean",
        "events": ["click"],
        "role": "primary",
        "test": "non_inferiority",
        "margin": "2%",
    }
}


@pytest.mark.parametrize("stopping", [SEQUENTIAL, {"rule": "always_valid"}], ids=["planned", "always"])
def test_a_margin_that_was_broken_at_first_is_not_kept_by_a_later_look_that_shows_nothing(
    stopping: dict[str, object],
) -> None:
    """The small p is of the breach: a learner that was bad at first is not shipped by it once it is doubtful."""
    days = [at_day(4, units=1000, lift=-0.3), at_day(14, units=2000, lift=0.0, seed=3)]

    analysis = analysed(*days, stopping=stopping, metrics=PRIMARY_MARGIN)
    shown = analysis.results[0].shown

    assert (shown.keeps_margin, shown.breaks_margin) == (False, True)
    assert analysis.verdict.outcome is Outcome.DO_NOT_SHIP
    assert "turned round" in " ".join(analysis.results[0].notes)


@pytest.mark.parametrize("stopping", [SEQUENTIAL, {"rule": "always_valid"}], ids=["planned", "always"])
def test_a_benefit_that_turned_round_is_no_harm_that_was_shown(stopping: dict[str, object]) -> None:
    """A lift was shown on the fourth day; now the estimate is a hair below nothing."""
    days = [at_day(4, units=1000, lift=0.3), at_day(10, units=2000, lift=-0.005)]

    analysis = analysed(*days, stopping=stopping)
    shown = analysis.results[0].shown

    assert analysis.results[0].difference is not None
    assert analysis.results[0].difference < 0
    assert (shown.is_better, shown.is_worse) == (False, False)


def test_before_the_first_planned_look_a_margin_is_watched_and_not_tested() -> None:
    """A one-sided test at half of alpha, done again at every peek, would stop too many for nothing."""
    harm = 0.085
    early = analysed(at_day(3, units=800, harm=harm), stopping=SEQUENTIAL)
    fixed = analysed(at_day(14, units=800, harm=harm))
    of_return, of_fixed = early.results[-1], fixed.results[-1]

    assert of_fixed.shown.breaks_margin  # the test that is good for one look only
    assert not of_return.shown.breaks_margin
    assert early.verdict.outcome is Outcome.KEEP_RUNNING


def test_intervals_before_the_first_planned_look_hold_at_any_time() -> None:
    """They are those of a rule that allows a look whenever, not those of the only look."""
    early = analysed(at_day(3, lift=0.02), stopping=SEQUENTIAL).results[0].inference
    always = analysed(at_day(3, lift=0.02), stopping={"rule": "always_valid"}).results[0].inference

    assert early.interval == always.interval
    assert early.p_value is None


def test_what_was_decided_with_all_units_there_stands_at_later_looks() -> None:
    """More units came than were planned; the looks after that have no alpha left, and take nothing away."""
    days = [at_day(4, units=20_000, lift=0.3), at_day(7, units=21_000, lift=0.3)]

    first = analysed(days[0], stopping=SEQUENTIAL).results[0]
    both = analysed(*days, stopping=SEQUENTIAL).results[0]

    assert first.shown.is_better
    assert both.shown.is_better
    assert both.inference.p_value == first.inference.p_value


@pytest.mark.drill
def test_planned_looks_keep_alpha_where_all_units_come_on_the_first_day() -> None:
    """Their events go on, so each look brings news although no unit does; 8.6 % were found where units alone counted."""
    generator = np.random.Generator(np.random.PCG64(11))
    experiment = subject(stopping=SEQUENTIAL).experiment
    metric, found = experiment.metrics["clicks"], 0
    runs, days = 600, (4, 7, 10, 14)
    for _ in range(runs):
        walk = np.cumsum(generator.normal(0, np.sqrt(np.diff((0, *days)))))
        history = [
            Seen(at=START + timedelta(days=day), pair=_pair(float(noise), variance=day, units=units))
            for day, noise, units in zip(days, walk, (3600, 3800, 3920, 4000), strict=True)
        ]
        look = look_at(experiment, started_at=START, at=history[-1].at)
        p_value = infer(experiment, metric, history, started_at=START, look=look).p_value
        found += p_value is not None and p_value <= experiment.alpha

    assert found / runs < 0.068  # two deviations above 5 %


def test_needed_units_are_those_of_all_arms() -> None:
    """With four arms a pair has half of the units, so twice as many are needed as the pair alone would need."""
    arms = {name: {"weight": 0.25} for name in ("control", "six", "seven", "eight")}
    plain = {"primary": {"correction": "none"}}
    two = analysed(at_day(14, units=500), families=plain).results[0].shown
    four = analysed(at_day(14, units=500), arms=arms, families=plain).results[0].shown

    assert two.needed_units is not None
    assert four.needed_units == pytest.approx(2 * two.needed_units, abs=2)
    assert four.is_underpowered == two.is_underpowered


def test_what_can_be_found_pays_for_looks_and_corrections_as_the_plan_does() -> None:
    """A rule that allows any look finds less with the same units, and so do three arms that share alpha."""
    arms = {name: {"weight": 0.25} for name in ("control", "six", "seven", "eight")}
    plain, looks, always, several = (
        analysed(at_day(14, units=500), **changes).results[0]
        for changes in ({}, {"stopping": SEQUENTIAL}, {"stopping": {"rule": "always_valid"}}, {"arms": arms})
    )

    assert plain.detectable is not None
    assert looks.detectable == pytest.approx(plain.detectable * 1.06, rel=0.05)
    assert always.detectable == pytest.approx(plain.detectable * 1.45, rel=0.15)
    assert several.detectable == pytest.approx(plain.detectable * (2.394 + 0.842) / (1.960 + 0.842), rel=1e-3)


def test_a_guardrail_that_must_be_better_and_is_worse_ends_the_arm() -> None:
    """Also at an early look."""
    metrics = {
        "clicks": {"kind": "mean", "events": ["click"], "role": "primary"},
        "return": {"kind": "proportion", "events": ["session"], "role": "guardrail", "test": "superiority"},
    }

    analysis = analysed(at_day(5, lift=0.1, harm=0.3), stopping={"rule": "always_valid"}, metrics=metrics)

    assert analysis.verdict.outcome is Outcome.DO_NOT_SHIP


def test_an_experiment_that_was_stopped_is_beside_nothing_that_began_later() -> None:
    """However far its horizon was."""
    stopped = replace(subject(), ended_at=START + timedelta(days=2))
    later = replace(subject(), name="later", started_at=START + timedelta(days=3))
    at = START + timedelta(days=10)

    assert not is_concurrent(later, stopped, at=at)
    assert is_concurrent(later, subject(), at=at)


def test_what_was_stopped_too_early_ships_nothing_and_waits_for_nothing() -> None:
    """The figures hold at any time, and there will be no others."""
    started = replace(subject(), ended_at=START + timedelta(days=3))
    snapshot = at_day(3, lift=0.1)

    verdict = analyse(started, [snapshot], seen=SeenUnits(units=snapshot.units)).verdict

    assert verdict.outcome is Outcome.DO_NOT_SHIP
    assert "stopped before" in verdict.reasons[0]


def _pair(noise: float, *, variance: float, units: int) -> Pair:
    """Return arms that differ by chance alone."""
    arms = [
        Estimate(value=value, variance=variance / 2, n=units // 2, degrees_of_freedom=units // 2 - 1)
        for value in (100.0, 100.0 + noise)
    ]
    compared = compare(control=arms[0], treatment=arms[1])
    margin = not_inferior(control=arms[0], treatment=arms[1], margin=parse_effect("2%"), sign=1)
    assert not isinstance(compared, CannotTell)
    return Pair(units=units, comparison=compared, margin=margin)
