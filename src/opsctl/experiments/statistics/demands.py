"""What do books of experiments want to find: their demands on traffic."""

from collections.abc import Collection, Mapping

from opsctl.core.units import parse_duration
from opsctl.experiments.book import Experiment, StoppingRule
from opsctl.experiments.effects import Effect, parse_effect
from opsctl.experiments.metric_book import Baseline, Metric, Role, Test
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.feasibility import Demand
from opsctl.experiments.statistics.power import design_of

_SECONDS_A_DAY = 86_400


def demands_of(
    name: str,
    experiment: Experiment,
    *,
    baselines: Mapping[str, Baseline] | None = None,
    roles: Collection[Role] = (Role.PRIMARY,),
) -> dict[str, Demand | CannotTell]:
    """Return what an experiment wants of each metric, in its smallest arm; or why nobody knows.

    Args:
        name: of the experiment.
        experiment: its book.
        baselines: measured ones, by metric; they are taken before those of the book.
        roles: of the metrics that are asked for.
    """
    known = baselines or {}
    return {
        each: _demand(name, experiment, each, metric, known.get(each) or metric.baseline)
        for each, metric in experiment.metrics.items()
        if metric.role in roles
    }


def open_share(experiment: Experiment) -> float:
    """Return the share of all units that may be in it, layers apart."""
    return (1 - experiment.holdout) * experiment.ramp


def eligible_share(experiment: Experiment) -> float:
    """Return the share of all units that may be in it; layers are independent, so their parts multiply."""
    share = open_share(experiment)
    for segment in experiment.layers.values():
        share *= segment.end - segment.start
    return share


def _demand(
    name: str, experiment: Experiment, metric_name: str, metric: Metric, baseline: Baseline | None
) -> Demand | CannotTell:
    effect, arm = _effect(metric), _smallest_arm(experiment)
    if effect is None or baseline is None or arm is None:
        missing = "no treatment has a weight" if arm is None else "it has no `baseline`"
        return CannotTell(
            code="EXP094", because=f"`{metric_name}`: {'it has no `mde`' if effect is None else missing}"
        )
    if effect.is_relative and not baseline.mean:
        return CannotTell(code="EXP094", because=f"`{metric_name}`: a share of a control of 0 is no effect")
    design = design_of(experiment, metric, arm=arm, baseline=baseline)
    if isinstance(design, CannotTell):
        return design.of(f"`{metric_name}`")
    return Demand(
        name=name,
        metric=metric_name,
        design=design,
        mean=baseline.mean,
        effect=effect,
        days=experiment.horizon_seconds / _SECONDS_A_DAY,
        share=eligible_share(experiment),
        open_share=open_share(experiment),
        lag_days=_lag_seconds(metric) / _SECONDS_A_DAY,
        earliest_days=_earliest_seconds(experiment) / _SECONDS_A_DAY,
    )


def _lag_seconds(metric: Metric) -> float:
    """Return how long after its first exposure a unit counts, as the warehouse has it."""
    return parse_duration(metric.after) + parse_duration(metric.window or "0s")


def _earliest_seconds(experiment: Experiment) -> float:
    """Return from when on the design's power holds: of planned looks it is that of all of them together."""
    return 0.0 if experiment.stopping.rule is StoppingRule.ALWAYS_VALID else experiment.horizon_seconds


def _effect(metric: Metric) -> Effect | None:
    """Return what has to be told apart from nothing: the margin of a test of non-inferiority, else the `mde`."""
    text = metric.margin if metric.wanted is Test.NON_INFERIORITY else metric.mde
    return parse_effect(text) if text is not None else None


def _smallest_arm(experiment: Experiment) -> str | None:
    weights = {arm: experiment.arms[arm].weight for arm in experiment.treatments}
    return min((arm for arm in weights if weights[arm] > 0), key=weights.__getitem__, default=None)
