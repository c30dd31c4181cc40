"""Do experiments that run at the same time disturb each other: their arms drawn independently, their effects just added up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from opsctl.experiments.analysis.model import Check, Subject
from opsctl.experiments.book import Experiment
from opsctl.experiments.metric_book import Metric, MetricKind, Role
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.estimates import Estimate, estimate_mean, estimate_ratio
from opsctl.experiments.statistics.interaction import Cells, Screened, screen
from opsctl.experiments.statistics.moments import Moments, no_units
from opsctl.experiments.statistics.srm import SRM_ALPHA
from opsctl.experiments.statistics.srm_watch import watch_independence
from opsctl.experiments.warehouse.model import Crossing, Trial, Warehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """One metric of two treatments that meet: of this experiment, and of another one.

    Args:
        metric: of this experiment.
        arm: of this experiment.
        other: the other experiment.
        other_arm: its treatment.
        screened: what both do together beyond the sum of each.
    """

    metric: str
    arm: str
    other: str
    other_arm: str
    screened: Screened

    @property
    def words(self) -> str:
        """Return what was found, as a reason or a note."""
        found = self.screened.interaction
        pair = f"`{self.arm}` together with `{self.other_arm}` of `{self.other}`"
        if isinstance(found, CannotTell):
            return f"`{self.metric}` of {pair}: cannot tell, because {found.because}"
        return (
            f"`{self.metric}` of {pair} changes by {found.value:+.4g} ({found.interval.low:+.4g} to"
            f" {found.interval.high:+.4g}) beyond the sum of both, p = {self.screened.adjusted_p:.3g}"
        )


def is_concurrent(one: Subject, other: Subject, *, at: datetime) -> bool:
    """Tell whether two experiments ran at the same time, up to that moment."""
    return max(one.started_at, other.started_at) < min(at, _end(one), _end(other))


def cross_checks(
    warehouse: Warehouse, subject: Subject, others: Sequence[Subject], *, at: datetime
) -> tuple[tuple[Check, ...], tuple[Meeting, ...]]:
    """Return whether the arms of this experiment and of each other one are independent, and how their effects meet.

    Raises:
        OpsError: the warehouse cannot be read.
    """
    metrics = {
        name: metric
        for name, metric in subject.experiment.of_role(Role.PRIMARY).items()
        if metric.kind is not MetricKind.QUANTILE
    }
    crossings = [
        (other, warehouse.cross(_trial(subject), _trial(other), at=at, metrics=metrics)) for other in others
    ]
    checks = tuple(_independence(subject, other, crossing, at=at) for other, crossing in crossings)
    return checks, _meetings(subject, crossings, metrics=metrics)


def _independence(subject: Subject, other: Subject, crossing: Crossing, *, at: datetime) -> Check:
    name, experiment = f"independence of {other.name}", subject.experiment
    p_value = watch_independence(
        crossing.units,
        {arm: each.weight for arm, each in experiment.arms.items()},
        planned=experiment.units,
        is_over=at >= max(_horizon(subject), _horizon(other)),
    )
    if isinstance(p_value, CannotTell):
        return Check(name=name, is_fault=False, says=f"cannot tell, because {p_value.because}")
    shared = sum(crossing.units.values())
    says = f"{shared:,} units are in both, p = {p_value:.3g} at any look"
    if p_value >= SRM_ALPHA:
        return Check(name=name, is_fault=False, says=says, p_value=p_value)
    says = f"which arm a unit has here tells which one it has in `{other.name}`: {says}"
    return Check(name=name, is_fault=True, says=says, p_value=p_value)


def _meetings(
    subject: Subject, crossings: Sequence[tuple[Subject, Crossing]], *, metrics: Mapping[str, Metric]
) -> tuple[Meeting, ...]:
    """Return every pair of treatments, all of them held together to one error rate."""
    pairs: dict[tuple[str, str], Cells] = {}
    keys: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for other, crossing in crossings:
        for name, metric in metrics.items():
            for arm in _treatments(subject.experiment):
                for other_arm in _treatments(other.experiment):
                    key = (f"{name}/{arm}", f"{other.name}/{other_arm}")
                    keys[key] = (name, arm, other.name, other_arm)
                    arms = ((subject.experiment.control, arm), (other.experiment.control, other_arm))
                    pairs[key] = _cells(crossing.means[name], metric, arms)
    found = screen(pairs, alpha=subject.experiment.alpha) if pairs else {}
    return tuple(
        Meeting(metric=name, arm=arm, other=other, other_arm=other_arm, screened=found[key])
        for key, (name, arm, other, other_arm) in keys.items()
    )


def _cells(
    means: Mapping[tuple[str, str], Moments],
    metric: Metric,
    arms: tuple[tuple[str, str], tuple[str, str]],
) -> Cells:
    (control, treatment), (other_control, other_treatment) = arms

    def cell(one: str, other: str) -> Estimate | CannotTell:
        width = 2 if metric.kind is MetricKind.RATIO else 1
        moments = means.get((one, other), no_units(width))
        return estimate_ratio(moments) if metric.kind is MetricKind.RATIO else estimate_mean(moments)

    return Cells(
        neither=cell(control, other_control),
        first=cell(treatment, other_control),
        second=cell(control, other_treatment),
        both=cell(treatment, other_treatment),
    )


def _treatments(experiment: Experiment) -> list[str]:
    return [arm for arm in experiment.treatments if experiment.arms[arm].weight > 0]


def _trial(subject: Subject) -> Trial:
    whole = Trial.from_start(subject.name, book=subject.experiment, start=subject.started_at)
    if subject.ended_at is None or not subject.started_at < subject.ended_at < whole.end:
        return whole
    return replace(whole, end=subject.ended_at)


def _horizon(subject: Subject) -> datetime:
    return Trial.from_start(subject.name, book=subject.experiment, start=subject.started_at).end


def _end(subject: Subject) -> datetime:
    return _trial(subject).end
