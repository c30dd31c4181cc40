"""What is each arm of a metric estimated to be, by which method, and how does each treatment compare with the control."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsctl.experiments.analysis.model import EventData, MetricData, Pair, UnitData
from opsctl.experiments.book import Experiment
from opsctl.experiments.effects import parse_effect
from opsctl.experiments.metric_book import Metric, MetricKind
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import compare, not_inferior
from opsctl.experiments.statistics.cuped import Adjusted, adjust_means, adjust_ratios
from opsctl.experiments.statistics.estimates import Estimate
from opsctl.experiments.statistics.quantile import estimate_quantile
from opsctl.experiments.statistics.unvaried import Unvaried

NO_ARM = CannotTell(code="EXP080", because="it has no units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """The arms of one metric.

    Args:
        estimates: by arm of the book.
        adjusted: how the pre-period was used; None for a quantile.
        notes: what a reader should know of all of them.
    """

    estimates: Mapping[str, Estimate | CannotTell]
    adjusted: Adjusted | None = None
    notes: tuple[str, ...] = field(default=())

    def covariance(self, one: str, other: str) -> float:
        """Return what two arms' estimates share."""
        return self.adjusted.covariance(one, other) if self.adjusted else 0.0


def estimate_arms(metric: Metric, data: MetricData) -> Estimated:
    """Return what each arm is, by the method that the metric's kind and its pre-period ask for."""
    if isinstance(data, EventData):
        return Estimated(
            estimates={
                arm: each if isinstance(each, CannotTell) else estimate_quantile(each)
                for arm, each in data.arms.items()
            }
        )
    adjusted = _adjusted(metric, data)
    notes: tuple[str, ...] = ()
    if metric.pre_period is not None and adjusted.not_adjusted is not None:
        notes = (f"not adjusted by the pre-period: {adjusted.not_adjusted.because}",)
    if data.uncut is not None:
        notes = (*notes, f"values are not cut off (`winsorise`): {data.uncut.because}")
    return Estimated(estimates=adjusted.estimates, adjusted=adjusted, notes=notes)


def _adjusted(metric: Metric, data: UnitData) -> Adjusted:
    match metric.kind:
        case MetricKind.MEAN | MetricKind.PROPORTION:
            return adjust_means(data.arms)
        case MetricKind.RATIO:
            return adjust_ratios(data.arms)
        case MetricKind.QUANTILE:
            raise AssertionError("a quantile comes as EventData")


def pairs_of(experiment: Experiment, metric: Metric, estimated: Estimated) -> dict[str, Pair]:
    """Return every treatment beside the control."""
    return {
        arm: _pair(experiment, metric, estimated, arm=arm)
        for arm in experiment.treatments
        if experiment.arms[arm].weight > 0
    }


def _pair(experiment: Experiment, metric: Metric, estimated: Estimated, *, arm: str) -> Pair:
    control = estimated.estimates.get(experiment.control, NO_ARM)
    treatment = estimated.estimates.get(arm, NO_ARM)
    for name, each in ((experiment.control, control), (arm, treatment)):
        if isinstance(each, CannotTell):
            return Pair(units=0, comparison=each.of(f"`{name}`"))
    assert isinstance(control, Estimate)  # noqa: S101 - the loop above has returned otherwise
    assert isinstance(treatment, Estimate)  # noqa: S101
    covariance = estimated.covariance(experiment.control, arm)
    return Pair(
        units=control.n + treatment.n,
        share=experiment.arms[experiment.control].weight + experiment.arms[arm].weight,
        unvaried=_unvaried(metric, control, treatment),
        comparison=compare(
            control=control, treatment=treatment, alpha=experiment.alpha, covariance=covariance
        ),
        margin=None
        if metric.margin is None
        else not_inferior(
            control=control,
            treatment=treatment,
            margin=parse_effect(metric.margin),
            sign=metric.sign,
            # one-sided at half of alpha: shown exactly when the two-sided interval leaves the margin out
            alpha=experiment.alpha / 2,
            covariance=covariance,
        ),
    )


def _unvaried(metric: Metric, control: Estimate, treatment: Estimate) -> Unvaried | None:
    """Return what stands in for a test where every unit of both arms has the same value; a quantile is of events."""
    varies = control.variance > 0 or treatment.variance > 0 or control.value != treatment.value
    if varies or metric.kind is MetricKind.QUANTILE:
        return None
    return Unvaried(value=control.value, treated=treatment.n, units=control.n + treatment.n)
