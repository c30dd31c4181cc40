"""Which experiments are hopeless, and what would help: the report's example, properties, and books."""

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.experiments.statistics.books import experiment, metric
from tests.experiments.statistics.samples import told

from opsctl.experiments.effects import Effect
from opsctl.experiments.metric_book import Baseline, Role
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.demands import demands_of, eligible_share
from opsctl.experiments.statistics.feasibility import Demand, Sharing, exclusive_days, solve, solve_all
from opsctl.experiments.statistics.power import Design, share_deviation
from opsctl.experiments.statistics.traffic import Traffic, everybody

TEN_THOUSAND = everybody(10_000)


def _demand(name="ranking", *, share=0.2, effect=0.15, days=14.0, correlation=0.0, **changes):
    return Demand(
        **{
            "name": name,
            "metric": "saves",
            "design": Design(deviation=share_deviation(share), correlation=correlation),
            "mean": share,
            "effect": Effect(size=effect, is_relative=True),
            "days": days,
        }
        | changes
    )


DEMANDS = st.builds(
    _demand,
    share=st.floats(0.01, 0.9),
    effect=st.floats(0.01, 0.5),
    days=st.integers(1, 60),
    correlation=st.floats(0, 0.9),
)
TRAFFIC = st.builds(
    lambda daily, factor: Traffic(daily=daily, population=daily * factor),
    daily=st.floats(100, 10_000),
    factor=st.floats(1, 50),
)


def test_three_experiments_on_ten_thousand_readers_are_those_of_the_report():
    """Exclusive they find 19.4 % of a 20 % metric, overlapping 11.2 % (decision 6)."""
    three = [_demand(name) for name in ("model", "bandit", "agents")]

    exclusive, overlapping = (
        solve(three, TEN_THOUSAND, sharing=sharing) for sharing in (Sharing.EXCLUSIVE, Sharing.OVERLAPPING)
    )

    assert [each.detectable_share for each in exclusive] == pytest.approx([0.194] * 3, abs=0.0005)
    assert [each.detectable_share for each in overlapping] == pytest.approx([0.112] * 3, abs=0.0005)
    assert all(each.refusal is not None for each in exclusive)
    assert all(each.refusal is None and not each.advice for each in overlapping)
    assert (
        "sharing units with the other experiments would be enough: it would get all of them"
        in exclusive[0].advice
    )


def test_a_hopeless_experiment_says_what_would_help():
    """Each single change that is enough, and the smaller question that could be answered."""
    traffic = Traffic(daily=500, population=10_000)

    (reach,) = solve([_demand(effect=0.15, days=7)], traffic)

    assert reach.refusal == CannotTell(
        code="EXP093",
        because="`saves` of `ranking` needs 5,582 units for an effect of 15%, and 3,016 come in 7 days",
    )
    assert reach.advice == (
        "16 days would be enough",
        "a pre-period that correlates by 0.68 or more would be enough (CUPED)",
        "an effect of 0.0408 or more, 20.4% of the control can be found with the units that come",
    )
    assert reach.done_on(date(2026, 12, 1)) == date(2026, 12, 17)


def test_a_population_that_is_too_small_is_said_to_be():
    """No number of days helps."""
    (reach,) = solve([_demand(effect=0.05)], everybody(1000))

    assert (reach.days_needed, reach.done_on(date(2026, 1, 1))) == (None, None)
    assert reach.advice[-1] == "it would need 50.2 times all units that come"


def test_letting_in_more_readers_helps_where_some_are_kept_out():
    """A ramp of 20 % of which three times as many are needed."""
    (reach,) = solve([replace(_demand(), share=0.2, open_share=0.2)], TEN_THOUSAND)

    assert reach.units == 2000
    assert "letting in 56 % of all units would be enough" in reach.advice


@given(DEMANDS, TRAFFIC, st.sampled_from(list(Sharing)), st.booleans())
def test_what_is_refused_is_what_the_units_cannot_find(demand, traffic, sharing, with_pre_period):
    """The effect that can be found is at most the one wanted exactly when it is not refused, and when the days are enough."""
    (reach,) = solve([demand], traffic, sharing=sharing, with_pre_period=with_pre_period)
    assume(abs(reach.detectable / demand.size - 1) > 1e-3)

    assert (reach.refusal is None) == (reach.detectable < demand.size)
    assert (reach.refusal is None) == (reach.days_needed is not None and reach.days_needed <= demand.days)
    assert bool(reach.advice) == (reach.refusal is not None)


@given(DEMANDS, TRAFFIC, st.floats(0.05, 1), st.floats(0.05, 1))
def test_every_advice_is_enough(demand, traffic, share, open_share):
    """Following it, the experiment is refused no longer."""
    demand = replace(demand, share=min(share, open_share), open_share=open_share)
    (reach,) = solve([demand], traffic)
    assume(reach.refusal is not None)

    easier = replace(demand, effect=Effect(size=reach.detectable * 1.001, is_relative=False))
    assert solve([easier], traffic)[0].refusal is None
    for advice in reach.advice:
        helped = _followed(advice, demand)
        assert helped is None or solve([helped], traffic)[0].refusal is None, advice


def _followed(advice, demand):
    """Return the demand changed as the advice says; None where it advises nothing."""
    if advice.endswith("days would be enough"):
        return replace(demand, days=int(advice.split()[0]))
    if advice.startswith("sharing units"):
        return replace(demand, share=demand.open_share)
    if advice.startswith("letting in"):
        share = int(advice.split()[2]) / 100
        return replace(demand, share=share, open_share=share)
    if "CUPED" in advice:
        correlation = float(advice.split(" by ")[1].split()[0])
        return replace(demand, design=replace(demand.design, correlation=correlation))
    return None


@given(DEMANDS, TRAFFIC)
def test_overlapping_and_a_pre_period_never_hurt(demand, traffic):
    """Of six ways, overlapping with CUPED finds the smallest effect."""
    plans = solve_all([demand, replace(demand, name="other")], traffic)

    assert len(plans) == 6
    best = plans[Sharing.OVERLAPPING, True][0].detectable
    assert all(best <= reaches[0].detectable * (1 + 1e-12) for reaches in plans.values())


def test_exclusive_experiments_are_done_sooner_where_each_gets_what_it_needs():
    """One needs 15 times as much as the other: in halves the greater one never ends, in proportion both do."""
    demands = [_demand("small", effect=0.5), _demand("large", effect=0.13)]
    traffic = Traffic(daily=1000, population=10_000)
    halves = solve(demands, traffic, sharing=Sharing.EXCLUSIVE)

    assert [each.days_needed for each in halves] == [2, None]
    assert exclusive_days(demands, traffic) == 15
    assert exclusive_days([*demands, _demand("huge", effect=0.05)], traffic) is None


def test_metrics_of_one_experiment_share_its_units():
    """Two metrics of one, one of another: halves, not thirds."""
    demands = [_demand("one"), replace(_demand("one"), metric="clicks"), _demand("two")]

    assert [each.units for each in solve(demands, TEN_THOUSAND, sharing=Sharing.EXCLUSIVE)] == [5000] * 3


def test_a_book_wants_what_it_says():
    """Two layers, a ramp and a holdout; a measured baseline goes before the one that is written."""
    book = experiment(
        {
            "saves": metric(),
            "hides": metric(role="guardrail", mde=None, margin="2pp", baseline={"mean": 0.1}),
        },
        layers={"ranking": {"start": 0.0, "end": 0.5}, "page": {"start": 0.2, "end": 0.6}},
        ramp=0.5,
        holdout=0.1,
    )

    demands = demands_of(
        "x", book, baselines={"saves": Baseline(mean=0.3)}, roles=(Role.PRIMARY, Role.GUARDRAIL)
    )

    saves, hides = told(demands["saves"]), told(demands["hides"])
    assert eligible_share(book) == pytest.approx(0.5 * 0.4 * 0.5 * 0.9)
    assert (saves.share, saves.open_share, saves.days) == pytest.approx((0.09, 0.45, 14))
    assert (saves.mean, saves.size) == pytest.approx((0.3, 0.015))
    assert (hides.effect, hides.size) == (Effect(size=0.02, is_relative=False), 0.02)
    assert list(demands_of("x", book)) == ["saves"]


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"mde": None}, "`saves`: it has no `mde`"),
        ({"baseline": None}, "`saves`: it has no `baseline`"),
        ({"kind": "mean"}, "`saves`: its deviation over units is not known"),
        ({"baseline": {"mean": 0.0}}, "`saves`: a share of a control of 0 is no effect"),
    ],
)
def test_a_book_that_does_not_say_enough_is_told_so(changes, because):
    """That is not hopeless, and not good either."""
    book = experiment({"saves": metric(**changes)})

    assert demands_of("x", book) == {"saves": CannotTell(code="EXP094", because=because)}


@pytest.mark.parametrize(
    "wrong", [{"share": 0.0}, {"open_share": 0.5}, {"days": 0.0}, {"days": math.inf}, {"mean": 0.0}]
)
def test_what_is_no_demand_is_refused(wrong):
    """No units, no time, no effect."""
    with pytest.raises(ValueError, match=r"share|effect"):
        replace(_demand(), **wrong)


def test_who_comes_so_late_that_a_window_is_not_over_by_the_horizon_does_not_count():
    """1,000 new readers a day for 14 days; with a window of 7 days those of the first 7 count, and no others."""
    traffic = Traffic(daily=1000)
    plain, windowed = (solve([_demand(lag_days=lag)], traffic)[0] for lag in (0.0, 7.0))

    assert (plain.units, windowed.units) == (14_000, 7_000)
    assert (plain.days_needed, windowed.days_needed) == (plain.days_needed, (plain.days_needed or 0) + 7)
    assert windowed.detectable > plain.detectable


def test_a_window_that_is_longer_than_the_horizon_counts_nobody():
    """That is hopeless, and the reason is no division by nothing."""
    (reach,) = solve([_demand(lag_days=14.0)], Traffic(daily=1000))

    assert reach.units == 0
    assert reach.refusal is not None
    assert "nobody counts by the horizon: who comes counts after 14 days" in reach.advice


def test_a_verdict_comes_at_the_horizon_however_soon_there_are_units_enough():
    """But for a rule that may always be looked at."""
    fixed, always = (solve([_demand(earliest_days=days)], Traffic(daily=100_000))[0] for days in (14.0, 0.0))

    assert fixed.days_needed == always.days_needed == always.done_days == 1
    assert fixed.done_days == 14
    assert fixed.done_on(date(2026, 12, 1)) == date(2026, 12, 15)
    assert exclusive_days([fixed.demand], Traffic(daily=100_000)) == 14


def test_a_book_says_when_its_units_count_and_when_its_rule_allows_a_verdict():
    """`after` and `window` of the metric, and the horizon of a fixed rule."""
    fixed = experiment({"saves": metric(after="1d", window="2d")})
    always = experiment({"saves": metric()}, stopping={"rule": "always_valid"})

    late, soon = (told(demands_of("x", book)["saves"]) for book in (fixed, always))
    assert (late.lag_days, late.earliest_days) == (3.0, 14.0)
    assert (soon.lag_days, soon.earliest_days) == (0.0, 0.0)
