"""How is a book run where the truth is known: one world after the other, the first one written down as a service would."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from opsctl.experiments.assignment import Assigner
from opsctl.experiments.book import Experiment
from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.metric_book import Metric, MetricKind
from opsctl.experiments.simulator.duel import Duel
from opsctl.experiments.simulator.events import EventName, write_days
from opsctl.experiments.simulator.market import make_market, unit_id
from opsctl.experiments.simulator.records import SimulatedDay
from opsctl.experiments.simulator.run import run_days
from opsctl.experiments.simulator.treatment import Treatment
from opsctl.experiments.simulator.truth import TrueEffect, UnitValues, effect_of, unit_values
from opsctl.experiments.simulator.world_book import World, world_of
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare
from opsctl.experiments.statistics.estimates import Estimate, estimate_mean, estimate_ratio
from opsctl.experiments.statistics.interleaving import interleaving_statistics, preference
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.quantile import estimate_quantile, quantile_statistics
from opsctl.experiments.studies.arms import Prepared, prepare
from opsctl.experiments.studies.model import Answer, Preference, WorldResult
from opsctl.experiments.studies.watching import Watch

NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One world of a book; it can be sent to another process.

    Args:
        name: of the book, which is part of the assignment's salts.
        experiment: the book.
        seed: of the world.
        folder: where exposures and events are written; None for nowhere.
    """

    name: str
    experiment: Experiment
    seed: int
    folder: Path | None = None


def world_of_book(experiment: Experiment) -> World:
    """Return the numbers of the world in which a book is run.

    Raises:
        UsageError: EXP120 a number is unknown or wrong.
    """
    simulation = experiment.simulation
    assert simulation is not None  # noqa: S101 - `prepare` refuses others
    return world_of(simulation.world, users=simulation.users)


def assign(experiment: Experiment, *, name: str, users: int) -> Ids:
    """Return the place of each reader's arm by the assignment that the service uses; -1 for nobody's."""
    assigner, arms = Assigner(experiment, name=name), list(experiment.arms)
    found = (assigner.assign(unit_id(user)) for user in range(users))
    return np.array([NOBODY if arm is None else arms.index(arm) for arm in found])


def run_world(job: Job) -> WorldResult:
    """Run the experiment in one world, then each arm in a world of its own, and compare."""
    experiment = job.experiment
    market = make_market(world_of_book(experiment), seed=job.seed)
    prepared = prepare(experiment, market)
    metrics, users = experiment.metrics, market.world.users
    assignment = assign(experiment, name=job.name, users=users)
    watch = Watch(prepared.treatments(), assignment, teaches=prepared.teaches)
    days: Iterable[SimulatedDay] = watch.watch(
        run_days(
            market,
            watch.treatments,
            assignment,
            plan=prepared.plan(with_oracle=_asks_for_regret(experiment)),
        )
    )
    if job.folder is not None:
        days = write_days(days, folder=job.folder, experiment=job.name)
    seen = unit_values(days, metrics, users=users)
    worlds = {arm: _own_world(prepared, arm, metrics=metrics) for arm in experiment.arms}
    control = worlds[experiment.control]
    answers = [
        _answer(
            experiment,
            name,
            arm,
            seen[name],
            effect_of(control.values[name], worlds[arm].values[name], metric=metric),
        )
        for arm in experiment.treatments
        for name, metric in metrics.items()
    ]
    return WorldResult(
        seed=job.seed,
        answers=tuple(answers),
        regret={arm: each.regret for arm, each in worlds.items()},
        reward={arm: each.reward for arm, each in worlds.items()},
        best=control.best,
        preference=_duel(prepared),
        leaks=watch.leaks,
    )


def _asks_for_regret(experiment: Experiment) -> bool:
    """Tell whether a metric needs the best slate of each feed, which takes time to find."""
    return any(EventName.REGRET in metric.events for metric in experiment.metrics.values())


def true_differences(job: Job, *, changes: Mapping[str, object]) -> dict[str, float]:
    """Return by `metric/arm` what the treatments change in another kind of world, as a share of the control's value."""
    experiment = job.experiment
    simulation = experiment.simulation
    assert simulation is not None  # noqa: S101
    other = experiment.model_copy(
        update={"simulation": simulation.model_copy(update={"world": simulation.world | dict(changes)})}
    )
    market = make_market(world_of_book(other), seed=job.seed)
    prepared = prepare(other, market)
    worlds = {arm: _own_world(prepared, arm, metrics=other.metrics, with_oracle=False) for arm in other.arms}
    control = worlds[other.control].values
    return {
        f"{name}/{arm}": effect_of(control[name], worlds[arm].values[name], metric=metric).relative
        for arm in other.treatments
        for name, metric in other.metrics.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnWorld:
    """What happened where everybody got one arm."""

    values: Mapping[str, UnitValues]
    regret: tuple[float, ...]
    reward: tuple[float, ...]
    best: tuple[float, ...]


def _own_world(
    prepared: Prepared, arm: str, *, metrics: Mapping[str, Metric], with_oracle: bool = True
) -> _OwnWorld:
    market, curves = prepared.market, _Curves()
    everybody = np.zeros(market.world.users, np.int64)
    treatment = {arm: prepared.treatments()[arm]}
    days = run_days(market, treatment, everybody, plan=prepared.plan(with_oracle=with_oracle))
    values = unit_values(curves.watch(days), metrics, users=market.world.users)
    return _OwnWorld(
        values=values, regret=tuple(curves.regret), reward=tuple(curves.reward), best=tuple(curves.best)
    )


class _Curves:
    """Means of each day's feeds, noted as the days pass by; NaN of a day on which nobody came, so that days stay days."""

    def __init__(self) -> None:
        self.regret: list[float] = []
        self.reward: list[float] = []
        self.best: list[float] = []

    def watch(self, days: Iterable[SimulatedDay]) -> Iterator[SimulatedDay]:
        for day in days:
            if day.day >= 0:
                self.reward.append(_mean_of(day.sessions.rewards))
                self.best.append(_mean_of(day.sessions.best_rewards))
                self.regret.append(_mean_of(day.sessions.regrets))
            yield day


def _mean_of(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _answer(experiment: Experiment, name: str, arm: str, seen: UnitValues, truth: TrueEffect) -> Answer:
    metric, arms = experiment.metrics[name], list(experiment.arms)
    estimates = [_estimate(metric, seen, arm=arms.index(each)) for each in (experiment.control, arm)]
    nan = float("nan")
    control, difference, low, high = nan, nan, nan, nan
    if not any(isinstance(each, CannotTell) for each in estimates):
        compared = compare(control=estimates[0], treatment=estimates[1], alpha=experiment.alpha)  # type: ignore[arg-type]
        if not isinstance(compared, CannotTell):
            control, difference = compared.control.value, compared.difference
            low, high = compared.interval.low, compared.interval.high
    return Answer(
        metric=name,
        arm=arm,
        control=control,
        difference=difference,
        low=low,
        high=high,
        true_control=truth.control,
        true_difference=truth.difference,
    )


def _estimate(metric: Metric, seen: UnitValues, *, arm: int) -> Estimate | CannotTell:
    own = seen.arms == arm
    match metric.kind:
        case MetricKind.QUANTILE:
            values, owners = seen.samples
            chosen = own[owners]
            statistics = quantile_statistics(values[chosen], owners[chosen], level=metric.quantile or 0.5)
            return statistics if isinstance(statistics, CannotTell) else estimate_quantile(statistics)
        case MetricKind.RATIO:
            return estimate_ratio(moments_of(np.column_stack([seen.values[own], seen.per[own]])))
        case MetricKind.MEAN | MetricKind.PROPORTION:
            return estimate_mean(moments_of(seen.values[own]))


def _duel(prepared: Prepared) -> Preference | None:
    """Return what the first stage says, where the book has one: both arms in one feed, before the experiment proper."""
    experiment, market = prepared.experiment, prepared.market
    # an arm of weight 0 gets nobody in the test, so it fills no feed here
    rivals = [name for name in experiment.treatments if experiment.arms[name].weight > 0]
    if experiment.interleaving is None or not rivals:
        return None
    arms = prepared.treatments()
    duel = Duel(market, control=arms[experiment.control], treatment=arms[rivals[0]])
    plan = replace(prepared.plan(with_oracle=False), days=experiment.interleaving.days)
    treatment = {"duel": Treatment(policy=duel, items=arms[experiment.control].items)}
    everybody = np.zeros(market.world.users, np.int64)
    credits_ = [
        duel.credits(day) for day in run_days(market, treatment, everybody, plan=plan) if day.day >= 0
    ]
    statistics = interleaving_statistics(
        np.concatenate([each.readers for each in credits_]),
        np.concatenate([each.for_control for each in credits_]),
        np.concatenate([each.for_treatment for each in credits_]),
    )
    found = preference(statistics, alpha=experiment.alpha)
    if isinstance(found, CannotTell):
        return None
    sessions = int(sum(len(each.readers) for each in credits_))
    return Preference(
        value=found.value,
        low=found.interval.low,
        high=found.interval.high,
        p_value=found.p_value,
        sessions=sessions,
    )
