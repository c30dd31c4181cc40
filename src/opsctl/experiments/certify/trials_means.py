"""Trials of everything that is one look at two arms: means, shares, ratios, quantiles, adjusted or cut off or neither."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.experiments.certify import populations
from opsctl.experiments.certify.model import Floats, Null, Planted, Promise
from opsctl.experiments.certify.promises import exact
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import Comparison, compare
from opsctl.experiments.statistics.cuped import adjust_means, adjust_ratios
from opsctl.experiments.statistics.distributions import normal_quantile, normal_tail
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.statistics.strata import Strata

ALPHA = 0.05
BATCH = 50
"""Experiments that are drawn together: memory stays below 20 MB."""

Draw = Callable[[np.random.Generator, int, float, int], Sequence[Strata]]
"""Draws so many experiments' worth of one arm, with rates of so many times the usual, of so many units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true: the control's value, and the factor by which the planted treatment is better."""

    value: float
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoArms:
    """A trial of two arms at one look.

    Args:
        method: what is tried.
        truth: of the control, and the planted factor.
        draw: draws an arm.
        outcomes: 1 for a mean or share, 2 for a ratio.
        promises: what it must keep.
    """

    method: Method
    truth: Truth
    draw: Draw
    outcomes: int
    promises: tuple[Promise, ...]

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Compare two arms that are alike."""
        compared = self._compared(generator, replications, factor=1.0)
        return null_of(np.array([each.p_value for each in compared]))

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Compare an arm with one that is better by a known factor."""
        compared = self._compared(generator, replications, factor=self.truth.factor)
        return planted_of(compared, difference=self.truth.value * (self.truth.factor - 1), truth=self.truth)

    def _compared(
        self, generator: np.random.Generator, replications: int, *, factor: float
    ) -> list[Comparison]:
        found: list[Comparison] = []
        while len(found) < replications:
            size = min(BATCH, replications - len(found))
            controls = self.draw(generator, size, 1.0, populations.UNITS)
            treatments = self.draw(generator, size, factor, populations.OTHER_UNITS)
            arms = zip(controls, treatments, strict=True)
            found += [self._compare(control, treatment) for control, treatment in arms]
        return found

    def _compare(self, control: Strata, treatment: Strata) -> Comparison:
        adjust = adjust_means if self.outcomes == 1 else adjust_ratios
        adjusted = adjust({"control": control, "treatment": treatment})
        return compared_or_fail(adjusted.estimates, covariance=adjusted.covariance("control", "treatment"))


def null_of(p_values: Floats) -> Null:
    """Return what p-values without an effect say."""
    return Null(found=(p_values < ALPHA).astype(np.float64), p_values=p_values)


def compared_or_fail(estimates: Mapping[str, object], *, covariance: float = 0.0) -> Comparison:
    """Return the comparison of two arms of which much is known.

    Raises:
        TypeError: nothing can be told of them, which is a defect.
    """
    control, treatment = estimates["control"], estimates["treatment"]
    found = (
        next(each for each in (control, treatment) if isinstance(each, CannotTell))
        if isinstance(control, CannotTell) or isinstance(treatment, CannotTell)
        else compare(control=control, treatment=treatment, alpha=ALPHA, covariance=covariance)  # type: ignore[arg-type]
    )
    if isinstance(found, CannotTell):
        raise TypeError(f"a trial says nothing: {found.because}")
    return found


def planted_of(compared: Sequence[Comparison], *, difference: float, truth: Truth) -> Planted:
    """Return what comparisons say of a known difference, and of the lift that it is."""
    errors = np.array([each.error for each in compared])
    lift = truth.factor - 1
    z = difference / np.sqrt((errors**2).mean())
    critical = normal_quantile(1 - ALPHA / 2)
    return Planted(
        found=np.array([each.p_value < ALPHA for each in compared]),
        covered=np.array([difference in each.interval for each in compared]),
        lift_covered=np.array(
            [not isinstance(each.lift, CannotTell) and lift in each.lift.interval for each in compared]
        ),
        promised_power=float(normal_tail(critical - abs(z)) + normal_tail(critical + abs(z))),
    )


def mean_of_beta() -> float:
    """Return how readily readers click, on average."""
    first, second = populations.CLICK_SHAPES
    return first / (first + second)


def _plain(draw: Callable[..., Floats]) -> Draw:
    def strata(generator: np.random.Generator, batch: int, factor: float, units: int) -> Sequence[Strata]:
        return [
            [each]
            for each in populations.moments_of_batch(draw(generator, batch, factor=factor, units=units))
        ]

    return strata


def _with_newcomers(draw: Callable[..., Floats], *, outcomes: int) -> Draw:
    def strata(generator: np.random.Generator, batch: int, factor: float, units: int) -> Sequence[Strata]:
        values = draw(generator, batch, factor=factor, units=units)
        return populations.in_strata(
            values, outcomes=outcomes, newcomers=populations.newcomers(generator, units=units)
        )

    return strata


def two_arm_trials() -> tuple[TwoArms, ...]:
    """Return the trials of means, shares and ratios, each plain and adjusted by what was before."""
    counts = Truth(value=populations.RATE, factor=1.12)
    shares = Truth(value=populations.SHARE, factor=1.25)
    beta = Truth(value=mean_of_beta(), factor=1.12)
    rare = Truth(value=mean_of_beta(), factor=1.25)
    rows = (
        (Method.MEAN, counts, _plain(populations.counts), 1),
        (Method.PROPORTION, shares, _plain(populations.shares), 1),
        (Method.RATIO, beta, _plain(populations.ratios), 2),
        (Method.CUPED_MEAN, counts, _with_newcomers(populations.counts_with_past, outcomes=1), 1),
        (Method.CUPED_PROPORTION, rare, _with_newcomers(populations.shares_with_past, outcomes=1), 1),
        (Method.CUPED_RATIO, beta, _with_newcomers(populations.ratios_with_past, outcomes=2), 2),
    )
    return tuple(
        TwoArms(method=method, truth=truth, draw=draw, outcomes=outcomes, promises=exact())
        for method, truth, draw, outcomes in rows
    )
