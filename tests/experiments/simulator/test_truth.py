"""The true effect: counted as analysis counts, sharper with common chance, and what a plain test finds on average."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from tests.experiments.books import document
from tests.experiments.simulator.worlds import (
    ByChance,
    BySimilarity,
    ByTruth,
    everybody,
    halves,
    small_market,
    treat,
)

from opsctl.core.units import parse_duration
from opsctl.experiments.book import Experiment
from opsctl.experiments.metric_book import Counting, Metric, MetricKind
from opsctl.experiments.simulator.calendar import STARTED_AT, microseconds_of
from opsctl.experiments.simulator.events import EventName, events_of, exposures_of, write_days
from opsctl.experiments.simulator.market import Market
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment, WarmUp
from opsctl.experiments.simulator.truth import TrueEffect, UnitValues, effect_of, unit_values
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.warehouse.model import Trial
from opsctl.experiments.warehouse.parquet import ParquetWarehouse

_ENGAGED = Metric(kind=MetricKind.MEAN, events=["engaged_session"])
_METRICS = {
    "engaged": _ENGAGED,
    "pleased": Metric(kind=MetricKind.MEAN, events=["click", "save", "inquiry"]),
    "reward": Metric(kind=MetricKind.MEAN, events=["reward"], counting=Counting.SUM),
    "inquirers": Metric(kind=MetricKind.PROPORTION, events=["inquiry"]),
    "back_on_day_2": Metric(kind=MetricKind.PROPORTION, events=["return_day"], after="2d", window="1d"),
    "dollars_an_engaged_session": Metric(
        kind=MetricKind.RATIO,
        events=["cost"],
        counting=Counting.SUM,
        per=["engaged_session"],
    ),
    "slow": Metric(kind=MetricKind.QUANTILE, events=["latency_milliseconds"], quantile=0.95),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """New policies for each arm, and how long they are tried; made anew for each run, because policies learn."""

    treatments: Mapping[str, Treatment]
    plan: Plan


def true_effects(
    market: Market,
    make: Callable[[], Setup],
    metrics: Mapping[str, Metric],
    *,
    common: bool = True,
) -> dict[str, TrueEffect]:
    """Return what the second arm does to all readers, each arm in a world of its own, by metric.

    `common=False` gives each world its own chance, which shows what common numbers are worth.
    """
    worlds = []
    for number, arm in enumerate(make().treatments):
        setup = make()
        noise = setup.plan.noise_seed if common else market.seed + 7919 * number
        plan = replace(setup.plan, noise_seed=noise)
        days = run_days(market, {arm: setup.treatments[arm]}, everybody(market), plan=plan)
        worlds.append(unit_values(days, metrics, users=market.world.users))
    return {
        name: effect_of(worlds[0][name], worlds[1][name], metric=metric) for name, metric in metrics.items()
    }


def _planted(market: Market, *, days: int = 6, error: float = 1.0) -> Setup:
    """Return chance against a policy that knows much of the truth."""
    treatments = {
        "control": treat(market, ByChance()),
        "better": treat(market, ByTruth(market, error=error), agent_calls=4),
    }
    return Setup(treatments=treatments, plan=Plan(days=days, with_oracle=False))


def _tested(market: Market, setup: Setup, *, seed: int) -> UnitValues:
    days = run_days(market, setup.treatments, halves(market, seed=seed), plan=setup.plan)
    return unit_values(days, {"engaged": _ENGAGED}, users=market.world.users)["engaged"]


def test_metrics_are_counted_as_analysis_counts_them() -> None:
    """Reader by reader and event by event, from the first exposure on and within the window."""
    market = small_market(users=80, inquiry_rate=1.0)
    warm_up = WarmUp(days=2, treatment=treat(market))
    treatments = {"a": treat(market, ByChance()), "b": treat(market, BySimilarity())}
    days = list(run_days(market, treatments, halves(market), plan=Plan(days=6, warm_up=warm_up)))

    found = unit_values(days, _METRICS, users=80)

    names = [str(name) for name in EventName]
    first: dict[int, int] = {}
    logged: defaultdict[int, list[tuple[str, float, int]]] = defaultdict(list)
    for day in days:
        exposures, events = exposures_of(day), events_of(day)
        for user, at in zip(exposures.users.tolist(), exposures.at.tolist(), strict=True):
            first.setdefault(user, at)
        for name, user, value, at in zip(
            events.names.tolist(),
            events.users.tolist(),
            events.values.tolist(),
            events.at.tolist(),
            strict=True,
        ):
            logged[user].append((names[name], value, at))
    for name, metric in _METRICS.items():
        after = parse_duration(metric.after) * 1e6
        until = after + parse_duration(metric.window) * 1e6 if metric.window else float("inf")
        for user in range(80):
            own = [
                (event, value)
                for event, value, at in logged[user]
                if user in first and after <= at - first[user] < until
            ]
            values = [value for event, value in own if event in metric.events]
            total = sum(values) if metric.counting is Counting.SUM else len(values)
            wanted = float(total > 0) if metric.kind is MetricKind.PROPORTION else total
            assert found[name].values[user] == pytest.approx(wanted)
            in_time = user in first and first[user] + until <= microseconds_of(6)
            assert found[name].counts[user] == (user in first and (metric.window is None or in_time))
            per = sum(event in (metric.per or []) for event, _ in own) if metric.per else 1
            assert found[name].per[user] == per
    slow = found["slow"]
    assert len(slow.samples[0]) == sum(
        name == "latency_milliseconds" and at >= first.get(user, np.inf)
        for user, each in logged.items()
        for name, _, at in each
    )


def test_a_warehouse_finds_the_same_numbers_in_the_files(tmp_path: Path) -> None:
    """Means, variances and covariances of each arm, by SQL over Parquet files."""
    market = small_market(users=150, inquiry_rate=1.0)
    warm_up = WarmUp(days=3, treatment=treat(market))
    treatments = {
        "control": treat(market, ByChance()),
        "changed": treat(market, BySimilarity(), agent_calls=4),
    }
    run = run_days(market, treatments, halves(market), plan=Plan(days=5, warm_up=warm_up))
    metrics = {name: metric for name, metric in _METRICS.items() if metric.kind is not MetricKind.QUANTILE}
    found = unit_values(write_days(run, folder=tmp_path, experiment="tried"), metrics, users=150)

    documents = {name: metric.model_dump(mode="json") for name, metric in metrics.items()}
    documents["engaged"]["role"] = "primary"
    book = Experiment.model_validate(document(horizon="5d", metrics=documents))
    trial = Trial.from_start("tried", book=book, start=STARTED_AT)
    with ParquetWarehouse(tmp_path).look(trial, at=[trial.end]) as look:
        population, measured = look.population(), look.measure().means

    for arm, name in enumerate(treatments):
        assert population.units[name] == (found["engaged"].arms == arm).sum()
        for metric, each in found.items():
            own = each.arms == arm
            columns = [each.values[own]] + ([each.per[own]] if metrics[metric].per else [])
            wanted = moments_of(np.stack(columns, axis=1))
            got = measured[metric].of_arm(name)
            assert got.n == wanted.n
            assert got.means == pytest.approx(wanted.means)
            assert np.array(got.comoments) == pytest.approx(np.array(wanted.comoments))


def test_an_arm_is_where_its_readers_were_assigned() -> None:
    """And who never came is in none."""
    market = small_market(users=120)
    values = _tested(market, _planted(market), seed=3)

    assignment = halves(market, seed=3)
    assert (values.arms[values.counts] == assignment[values.counts]).all()
    assert (values.arms[~values.counts] == -1).all()


def test_the_true_effect_is_that_between_two_worlds_of_the_same_readers() -> None:
    """Against two runs by hand."""
    market = small_market(users=200)

    found = true_effects(market, lambda: _planted(market), _METRICS)

    worlds = []
    for arm in ("control", "better"):
        setup = _planted(market)
        days = run_days(market, {arm: setup.treatments[arm]}, everybody(market), plan=setup.plan)
        worlds.append(unit_values(days, _METRICS, users=200))
    for name in ("engaged", "reward", "inquirers"):
        means = [world[name].values[world[name].counts].mean() for world in worlds]
        gaps = (worlds[1][name].values - worlds[0][name].values)[worlds[0][name].counts]
        effect = found[name]
        assert [effect.control, effect.treated] == pytest.approx(means)
        assert effect.difference == pytest.approx(gaps.mean())
        assert effect.standard_error == pytest.approx(gaps.std(ddof=1) / np.sqrt(len(gaps)), rel=0.01)
        assert effect.relative == pytest.approx(means[1] / means[0] - 1)
    slow = found["slow"]
    assert slow.control == pytest.approx(np.quantile(worlds[0]["slow"].samples[0], 0.95))
    assert slow.difference > 0


@pytest.mark.parametrize(
    ("control", "treated", "relative"), [(4.0, 5.0, 0.25), (-4.0, -3.0, 0.25), (-4.0, -5.0, -0.25)]
)
def test_a_relative_effect_has_the_sign_of_the_difference(
    control: float, treated: float, relative: float
) -> None:
    """As lifts of an analysis and of a study have; a metric below 0 turns nothing round."""
    assert TrueEffect(control=control, treated=treated, standard_error=1.0).relative == relative


def test_a_policy_against_itself_has_no_effect_at_all() -> None:
    """What both draw depends on the name of their arm, so the policy must draw nothing."""
    market = small_market(users=100)

    def make() -> Setup:
        arms = {name: treat(market, ByTruth(market)) for name in ("one", "other")}
        return Setup(treatments=arms, plan=Plan(days=6))

    effects = true_effects(market, make, _METRICS)

    assert all(effect.difference == 0 for effect in effects.values())


def test_an_experiment_that_nobody_enters_has_no_numbers() -> None:
    """Rather than zeros."""
    market = small_market(users=2, return_base=0.0, return_satisfaction=0.0)

    effects = true_effects(market, lambda: _planted(market, days=1), _METRICS)

    assert all(np.isnan(effect.difference) for effect in effects.values())


@pytest.mark.slow
def test_common_chance_gives_a_smaller_variance_than_chance_apart() -> None:
    """Over eight markets: the variance of the difference around its mean, and what is said of it."""
    found: defaultdict[bool, list[tuple[float, float]]] = defaultdict(list)
    for seed in range(8):
        market = small_market(users=200, seed=seed)
        for common in (True, False):
            effects = true_effects(
                market,
                lambda market=market: _planted(market, days=5),  # type: ignore[misc]
                {"engaged": _ENGAGED},
                common=common,
            )
            effect = effects["engaged"]
            found[common].append((effect.difference, effect.standard_error))

    errors = {common: np.mean([error for _, error in each]) for common, each in found.items()}
    assert errors[True] < 0.8 * errors[False]
    assert np.mean([difference for difference, _ in found[True]]) == pytest.approx(
        np.mean([difference for difference, _ in found[False]]), abs=4 * errors[False] / np.sqrt(8)
    )


def _coverage(*, seeds: int, users: int) -> tuple[float, float, float]:
    """Return how often a 95 % interval holds the true effect and excludes 0, and the mean error in standard errors."""
    holds, excludes, errors = [], [], []
    for seed in range(seeds):
        market = small_market(users=users, seed=seed)
        truth = true_effects(
            market,
            lambda market=market: _planted(market, error=2.0),  # type: ignore[misc]
            {"engaged": _ENGAGED},
        )["engaged"].difference
        values = _tested(market, _planted(market, error=2.0), seed=1000 + seed)
        test = stats.ttest_ind(values.of_arm(1), values.of_arm(0), equal_var=False)
        interval = test.confidence_interval(0.95)
        found = values.of_arm(1).mean() - values.of_arm(0).mean()
        holds.append(interval.low <= truth <= interval.high)
        excludes.append(interval.low > 0)
        errors.append((found - truth) / (found / test.statistic))
    return float(np.mean(holds)), float(np.mean(excludes)), float(np.mean(errors))


@pytest.mark.slow
def test_a_planted_effect_is_found_by_a_plain_test_with_the_coverage_it_claims() -> None:
    """30 worlds: less than 26 of 30 would happen by chance once in 500 (binomial, 95 %)."""
    holds, excludes, error = _coverage(seeds=30, users=200)

    assert holds >= 26 / 30
    assert excludes > 0.8
    assert abs(error) < 4 / np.sqrt(30)


@pytest.mark.drill
def test_a_plain_test_covers_the_truth_in_nineteen_worlds_of_twenty() -> None:
    """300 worlds: the band is four standard errors wide on either side."""
    holds, excludes, error = _coverage(seeds=300, users=200)

    assert 0.95 - 4 * np.sqrt(0.95 * 0.05 / 300) < holds
    assert excludes > 0.85
    assert abs(error) < 4 / np.sqrt(300)


_SCARCE: dict[str, Any] = {
    "capacity": True,
    "capacity_per_user": 0.12,
    "inquiry_rate": 1.0,
    "inquiry_delay_days": 0.2,
    "arrivals": 0.0,
}
_INQUIRIES = {"inquiries": Metric(kind=MetricKind.MEAN, events=["inquiry"])}


def _bias(*, seeds: int, scarce: bool) -> tuple[float, float]:
    """Return by how much an A/B test says more than is true, and its standard error, over worlds."""
    gaps = []
    for seed in range(seeds):
        market = small_market(users=300, seed=seed, **(_SCARCE | {"capacity": scarce}))
        truth = true_effects(
            market,
            lambda market=market: _planted(market, days=14, error=0.5),  # type: ignore[misc]
            _INQUIRIES,
        )["inquiries"].difference
        setup = _planted(market, days=14, error=0.5)
        days = run_days(market, setup.treatments, halves(market, seed=seed), plan=setup.plan)
        values = unit_values(days, _INQUIRIES, users=300)["inquiries"]
        gaps.append(values.of_arm(1).mean() - values.of_arm(0).mean() - truth)
    return float(np.mean(gaps)), float(np.std(gaps, ddof=1) / np.sqrt(seeds))


@pytest.mark.drill
def test_where_vendors_have_little_time_an_ab_test_promises_more_than_comes_true() -> None:
    """The better arm takes the good vendors' time from the other; if all readers had it, it would lack that time."""
    bias, error = _bias(seeds=8, scarce=True)

    assert bias > 3 * error
    assert bias > 0.1


@pytest.mark.drill
def test_where_vendors_have_time_for_all_an_ab_test_says_the_truth_on_average() -> None:
    """The same worlds without limits."""
    bias, error = _bias(seeds=8, scarce=False)

    assert abs(bias) < 4 * error
