"""How many units does an effect need to be found, and which effect do so many units find."""

import math
from dataclasses import dataclass

from opsctl.core.units import parse_duration
from opsctl.experiments.book import Correction, Experiment, Scope, StoppingRule
from opsctl.experiments.metric_book import Baseline, Metric, MetricKind, Test
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.confidence_sequence import USUAL_UNITS, Sides, Tuning, bound_at
from opsctl.experiments.statistics.distributions import check_alpha, normal_quantile, normal_tail
from opsctl.experiments.statistics.sequential import LEAST_GAP, inflation, spaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """One metric of one treatment beside the control, before there are data.

    Args:
        deviation: standard deviation of a unit's value; of a share p it is `sqrt(p (1 - p))`, of a ratio that of
            `(y - R d) / mean(d)`.
        correlation: of a unit's value with its pre-period; the variance is `1 - correlation^2` of what it would be.
        control_share: of all units of the experiment, in the control.
        treatment_share: ... in the treatment.
        alpha: error rate.
        power: chance of finding what is there.
        comparisons: tests in the family; the effect is to be found at `alpha / comparisons`, Holm's first and strictest step.
        sides: of the test.
        inflation: how many times the units of a single look are needed, because there are several.
    """

    deviation: float
    correlation: float = 0.0
    control_share: float = 0.5
    treatment_share: float = 0.5
    alpha: float = 0.05
    power: float = 0.8
    comparisons: int = 1
    sides: Sides = Sides.TWO
    inflation: float = 1.0

    def __post_init__(self) -> None:
        check_alpha(self.alpha, below=0.5)
        if not (0 <= self.deviation < math.inf and -1 < self.correlation < 1 and 0 < self.power < 1):
            raise ValueError(
                "a deviation is at least 0, a correlation between -1 and 1, a power between 0 and 1"
            )
        shares = (self.control_share, self.treatment_share)
        if not (
            min(shares) > 0 and sum(shares) <= 1 + 1e-9 and self.comparisons >= 1 and self.inflation >= 1
        ):
            raise ValueError("both arms need a share of the units, and there is at least one comparison")

    @property
    def unit_variance(self) -> float:
        """Return n times the variance of the difference, n units being in the experiment."""
        own = self.deviation**2 * (1 - self.correlation**2)
        return own * (1 / self.control_share + 1 / self.treatment_share)

    @property
    def critical(self) -> float:
        """Return the z that has to be exceeded."""
        return -normal_quantile(self.alpha / self.comparisons / self.sides)

    @property
    def reach(self) -> float:
        """Return how many standard errors an effect must be away from 0 to be found."""
        return self.critical + normal_quantile(self.power)


def share_deviation(share: float) -> float:
    """Return the standard deviation of a unit that has an event with this probability."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, got {share}")
    return math.sqrt(share * (1 - share))


def units_needed(design: Design, size: float) -> int:
    """Return how many units, over all arms, find a difference of this size; the margin, where that is what is tested.

    Raises:
        ValueError: the size is none: no number of units finds nothing.
    """
    if not 0 < size < math.inf:
        raise ValueError(f"an effect has a size above 0, got {size}")
    return max(math.ceil(design.inflation * design.unit_variance * (design.reach / size) ** 2 - 1e-9), 4)


def detectable(design: Design, units: float) -> float:
    """Return the smallest difference that so many units, over all arms, find with the design's power.

    Raises:
        ValueError: there are no units.
    """
    if not units > 0:
        raise ValueError(f"{units} units find nothing")
    return design.reach * math.sqrt(design.inflation * design.unit_variance / units)


def power_at(design: Design, *, units: float, size: float) -> float:
    """Return the chance of finding a difference of this size with so many units over all arms, in either direction.

    Raises:
        ValueError: there are no units.
    """
    if not units > 0:
        raise ValueError(f"{units} units find nothing")
    error = math.sqrt(design.inflation * design.unit_variance / units)
    if not error:
        return 1.0 if size else 0.0
    wrong_side = normal_tail(design.critical + size / error) if design.sides is Sides.TWO else 0.0
    return normal_tail(design.critical - size / error) + wrong_side


def design_of(
    experiment: Experiment, metric: Metric, *, arm: str, baseline: Baseline, units: int | None = None
) -> Design | CannotTell:
    """Return the design of one metric of one arm of a book.

    Args:
        experiment: the book.
        metric: one of its metrics.
        arm: a treatment with a weight.
        baseline: what is known of the metric, written in the book or measured.
        units: planned, for which a confidence sequence is tuned; those of the book where not given.

    Raises:
        ValueError: the baseline is none of this kind of metric.
    """
    deviation = baseline.deviation
    if metric.kind is MetricKind.PROPORTION:
        deviation = share_deviation(baseline.mean)
    if deviation is None:
        return CannotTell(code="EXP094", because="its deviation over units is not known")
    one_sided = metric.wanted is Test.NON_INFERIORITY
    alpha, comparisons = (
        experiment.alpha / 2 if one_sided else experiment.alpha,
        _comparisons(experiment, metric),
    )
    return Design(
        deviation=deviation,
        correlation=baseline.correlation if metric.pre_period else 0.0,
        control_share=experiment.arms[experiment.control].weight,
        treatment_share=experiment.arms[arm].weight,
        alpha=alpha,
        power=experiment.power,
        comparisons=comparisons,
        sides=Sides.ONE if one_sided else Sides.TWO,
        inflation=_inflation(
            experiment, alpha=experiment.alpha / comparisons, units=units or experiment.units or USUAL_UNITS
        ),
    )


def _comparisons(experiment: Experiment, metric: Metric) -> int:
    """Return how many tests share alpha; with Benjamini-Hochberg, too, the strictest step is planned for."""
    family = experiment.families.get(metric.role)
    if family is None or family.correction is Correction.NONE:
        return 1
    arms = sum(experiment.arms[arm].weight > 0 for arm in experiment.treatments)
    metrics = len(experiment.of_role(metric.role))
    return {Scope.ARMS: arms, Scope.METRICS: metrics, Scope.BOTH: arms * metrics}[family.scope]


def _inflation(experiment: Experiment, *, alpha: float, units: int) -> float:
    """Return what the stopping rule costs; of `always_valid` at the planned number of units, where it costs least."""
    match experiment.stopping.rule:
        case StoppingRule.FIXED:
            return 1.0
        case StoppingRule.GROUP_SEQUENTIAL:
            shares = [parse_duration(look) / experiment.horizon_seconds for look in experiment.stopping.looks]
            times = [time for time in spaced(shares) if time <= 1 - LEAST_GAP]
            return max(
                inflation(
                    [*times, 1.0], alpha=alpha, spending=experiment.stopping.spending, power=experiment.power
                ),
                1.0,
            )
        case StoppingRule.ALWAYS_VALID:
            wanted, usual = normal_quantile(experiment.power), -normal_quantile(alpha / 2)
            bound = bound_at(units, tuning=Tuning(units=units, alpha=alpha))
            return ((bound + wanted) / (usual + wanted)) ** 2
