"""Does a treatment differ from the control, by how much, and is it at least not worse."""

import math
from dataclasses import dataclass

from opsctl.experiments.effects import Effect
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import (
    as_normal,
    check_alpha,
    normal_tail,
    t_quantile,
    t_tail,
    two_sided_t,
)
from opsctl.experiments.statistics.estimates import Estimate, Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """A difference as a share of the control's value.

    Args:
        value: (treatment - control) / |control|.
        error: standard error by the delta method, for charts.
        interval: by Fieller's theorem, never by the delta method: it allows for the control's own error, and leaves out
            0 exactly when the difference's interval does.
    """

    value: float
    error: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A treatment beside the control.

    Args:
        control: what the control is.
        treatment: what the treatment is.
        covariance: of both; not 0 where they were adjusted by what they share (CUPED, strata).
        difference: treatment - control.
        error: standard error of the difference.
        degrees_of_freedom: by Welch and Satterthwaite.
        statistic: difference / error, Student's t.
        p_value: two-sided.
        alpha: the intervals hold the truth with a probability of 1 - alpha.
        interval: of the difference.
        lift: the difference as a share of the control, or why there is none.
    """

    control: Estimate
    treatment: Estimate
    covariance: float
    difference: float
    error: float
    degrees_of_freedom: float
    statistic: float
    p_value: float
    alpha: float
    interval: Interval
    lift: Lift | CannotTell

    @property
    def z(self) -> float:
        """Return the statistic as a normal one: for sequential bounds."""
        return as_normal(self.statistic, self.degrees_of_freedom)

    @property
    def cautions(self) -> tuple[str, ...]:
        """Return what a reader should know of either arm, each once."""
        named = {
            f"{name}: {caution}": None
            for name, estimate in (("control", self.control), ("treatment", self.treatment))
            for caution in estimate.cautions
        }
        return tuple(named)


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInferiority:
    """Whether a treatment is shown to be not worse than the control by more than a margin; one-sided.

    Args:
        comparison: both arms, with intervals of 1 - 2 alpha: their worse end is the one-sided bound of 1 - alpha.
        margin: how much worse is still not worse.
        sign: 1 where more is better, else -1.
        statistic: Student's t of how far the treatment is above the margin; positive speaks for it.
        p_value: one-sided, of so large a statistic where the treatment is worse by exactly the margin.
        alpha: one-sided.
    """

    comparison: Comparison
    margin: Effect
    sign: int
    statistic: float
    p_value: float
    alpha: float

    @property
    def z(self) -> float:
        """Return the statistic as a normal one: for sequential bounds."""
        return as_normal(self.statistic, self.comparison.degrees_of_freedom)

    @property
    def is_shown(self) -> bool:
        """Tell whether it is shown to be not worse."""
        return self.p_value < self.alpha

    @property
    def is_refuted(self) -> bool:
        """Tell whether it is shown to be worse by more than the margin, which is more than not being shown."""
        return t_tail(-self.statistic, self.comparison.degrees_of_freedom) < self.alpha


def compare(
    *, control: Estimate, treatment: Estimate, alpha: float = 0.05, covariance: float = 0.0
) -> Comparison | CannotTell:
    """Compare two arms by Welch's t-test, two-sided.

    Raises:
        ValueError: alpha is no error rate, or the covariance does not fit the variances.
    """
    check_alpha(alpha)
    own = (control.variance - covariance, treatment.variance - covariance)
    variance = sum(own)
    if not math.isfinite(variance) or variance < 0 or min(control.variance, treatment.variance) < 0:
        raise ValueError(f"a covariance of {covariance} does not fit the variances of the arms")
    if variance == 0:
        return CannotTell(
            code="EXP082",
            because="no unit differs from another in either arm, so nothing says what chance does",
        )
    difference, error = treatment.value - control.value, math.sqrt(variance)
    freedom = welch(own, (control.degrees_of_freedom, treatment.degrees_of_freedom))
    critical = t_quantile(1 - alpha / 2, freedom)
    statistic = difference / error
    return Comparison(
        control=control,
        treatment=treatment,
        covariance=covariance,
        difference=difference,
        error=error,
        degrees_of_freedom=freedom,
        statistic=statistic,
        p_value=two_sided_t(statistic, freedom),
        alpha=alpha,
        interval=Interval(low=difference - critical * error, high=difference + critical * error),
        lift=_lift(control, treatment, covariance, critical),
    )


def intervals_at(comparison: Comparison, *, critical: float) -> tuple[Interval, Interval | CannotTell]:
    """Return the intervals of difference and lift at a bound of |z| other than the usual, such as that of a planned look.

    0 is outside them exactly when `abs(comparison.z)` exceeds `critical`.
    """
    student = -t_quantile(normal_tail(critical), comparison.degrees_of_freedom)
    difference, width = comparison.difference, student * comparison.error
    lift = _lift(comparison.control, comparison.treatment, comparison.covariance, student)
    return (
        Interval(low=difference - width, high=difference + width),
        lift if isinstance(lift, CannotTell) else lift.interval,
    )


def not_inferior(
    *,
    control: Estimate,
    treatment: Estimate,
    margin: Effect,
    sign: int,
    alpha: float = 0.05,
    covariance: float = 0.0,
) -> NonInferiority | CannotTell:
    """Test whether a treatment is not worse than the control by more than a margin.

    A relative margin is a share of the control's true value, not of the measured one: the test holds
    `treatment - (1 -+ margin) control` against 0, so the control's error counts as it should.

    Args:
        control: what it is held against.
        treatment: what must not be worse.
        margin: how much worse is still not worse.
        sign: 1 where more is better, -1 where less is.
        alpha: one-sided.
        covariance: of both.

    Raises:
        ValueError: the sign is none, or alpha is no error rate below a half.
    """
    check_alpha(alpha, below=0.5)
    if sign not in (1, -1):
        raise ValueError(f"the sign is 1 or -1, got {sign}")
    comparison = compare(control=control, treatment=treatment, alpha=2 * alpha, covariance=covariance)
    if isinstance(comparison, CannotTell):
        return comparison
    if margin.is_relative and isinstance(comparison.lift, CannotTell):
        return comparison.lift
    statistic = _above_margin(comparison, margin, sign)
    return NonInferiority(
        comparison=comparison,
        margin=margin,
        sign=sign,
        statistic=statistic,
        p_value=t_tail(statistic, comparison.degrees_of_freedom),
        alpha=alpha,
    )


def _above_margin(comparison: Comparison, margin: Effect, sign: int) -> float:
    """Return t of `sign (treatment - control) + margin`, the margin in the metric's own unit."""
    difference, control = sign * comparison.difference, comparison.control
    if not margin.is_relative:
        return (difference + margin.size) / comparison.error
    factor = 1 - sign * math.copysign(
        margin.size, control.value
    )  # treatment = factor * control is just bearable
    variance = (
        comparison.treatment.variance - 2 * factor * comparison.covariance + factor**2 * control.variance
    )
    return (difference + margin.size * abs(control.value)) / math.sqrt(variance)


def welch(variances: tuple[float, ...], freedoms: tuple[float, ...]) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of independent variances."""
    total = sum(variances)
    return 1 / sum((part / total) ** 2 / freedom for part, freedom in zip(variances, freedoms, strict=True))


def _lift(control: Estimate, treatment: Estimate, covariance: float, critical: float) -> Lift | CannotTell:
    """Return the lift with Fieller's interval, all r with `(t - r c)^2 <= critical^2 Var(t - r c)`.

    All is divided by |c| first, so that nothing overflows, and c is 1 or -1.
    """
    size, square = abs(control.value), critical * critical
    of_control = control.variance / size / size if size else math.inf
    leading = 1 - square * of_control
    if not leading > 0:
        return CannotTell(
            code="EXP085",
            because=f"the control's value, {control.value:.4g}, is not told from 0, so a share of it may be anything",
        )
    of_treatment, of_both = treatment.variance / size / size, covariance / size / size
    sign, ratio = math.copysign(1.0, control.value), treatment.value / control.value
    lift = sign * (treatment.value - control.value) / control.value
    centre = sign * lift - square * (of_both - of_control)
    delta = of_treatment - 2 * ratio * of_both + ratio * ratio * of_control
    # not as `b^2 - 4 a c`: that loses all digits where values are large beside their errors
    spread = square * delta - square * square * (of_treatment * of_control - of_both * of_both)
    root = math.sqrt(max(spread, 0.0))
    ends = sorted(sign * (centre + side * root) / leading for side in (-1, 1))
    return Lift(value=lift, error=math.sqrt(max(delta, 0.0)), interval=Interval(low=ends[0], high=ends[1]))
