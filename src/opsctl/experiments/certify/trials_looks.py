"""Trials of rules that look several times, and of tests against a margin."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.certify.model import Floats, Null, Planted, Promise
from opsctl.experiments.certify.promises import at_most, exact, rate
from opsctl.experiments.certify.trials_means import ALPHA
from opsctl.experiments.effects import Effect
from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.comparison import (
    Comparison,
    NonInferiority,
    compare,
    intervals_at,
    not_inferior,
)
from opsctl.experiments.statistics.confidence_sequence import AnytimeLook, Sides, Tuning, follow
from opsctl.experiments.statistics.estimates import Estimate, estimate_mean
from opsctl.experiments.statistics.looks import Look, decide
from opsctl.experiments.statistics.methods import Method
from opsctl.experiments.statistics.moments import moments_of
from opsctl.experiments.statistics.sequential import exit_probabilities, power_family_bounds

_MEAN, _SHAPE = 3.0, 1.5
_UNITS = 1000
_MARGIN = Effect(size=0.05, is_relative=True)
_LOOKS = (0.25, 0.5, 0.75, 1.0)
_SPENDING = 2.0
_DAYS = 14
_DECIDED = 200
"""So many experiments also go through `decide` as a whole, which has to say what the bounds say."""


def _arm(generator: np.random.Generator, *, mean: float, units: int = _UNITS) -> Floats:
    return generator.poisson(generator.gamma(_SHAPE, mean / _SHAPE, units)).astype(np.float64)


def _estimate(values: Floats) -> Estimate:
    estimate = estimate_mean(moments_of(values))
    if isinstance(estimate, CannotTell):
        raise TypeError(f"a trial says nothing: {estimate.because}")
    return estimate


def _compared(control: Floats, treatment: Floats) -> Comparison:
    found = compare(control=_estimate(control), treatment=_estimate(treatment), alpha=ALPHA)
    if isinstance(found, CannotTell):
        raise TypeError(f"a trial says nothing: {found.because}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Not worse than 5 % of the control, one-sided at 2.5 %; the treatment is worse by exactly that, or alike."""

    method: Method = Method.NON_INFERIORITY
    promises: tuple[Promise, ...] = rate(ALPHA / 2)

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Try treatments that are worse by exactly the margin: each one that passes is a false finding."""
        found = [self._test(generator, mean=_MEAN * (1 - _MARGIN.size)).is_shown for _ in range(replications)]
        return Null(found=np.array(found, np.float64))

    def planted(self, generator: np.random.Generator, replications: int) -> Planted | None:
        """Nothing is promised but the error rate."""
        del generator, replications
        return None

    def _test(self, generator: np.random.Generator, *, mean: float) -> NonInferiority:
        tested = not_inferior(
            control=_estimate(_arm(generator, mean=_MEAN)),
            treatment=_estimate(_arm(generator, mean=mean)),
            margin=_MARGIN,
            sign=1,
            alpha=ALPHA / 2,
        )
        if isinstance(tested, CannotTell):
            raise TypeError(f"a trial says nothing: {tested.because}")
        return tested


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Four planned looks that spend alpha; a false finding at any of them counts."""

    method: Method = Method.GROUP_SEQUENTIAL
    promises: tuple[Promise, ...] = exact(lift=False)[:1] + exact(lift=False)[2:]
    factor: float = 1.12

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Look four times at two arms that are alike."""
        bounds = power_family_bounds(_LOOKS, alpha=ALPHA, spending=_SPENDING)
        found = []
        for number in range(replications):
            looks = self._looks(generator, factor=1.0)
            crosses = any(abs(each.z) >= bound for each, bound in zip(looks, bounds, strict=True))
            if number < _DECIDED:
                self._check(looks, crosses=crosses)
            found.append(crosses)
        return Null(found=np.array(found, np.float64))

    def planted(self, generator: np.random.Generator, replications: int) -> Planted:
        """Look four times at a known effect; the intervals of all looks together must hold it."""
        bounds = power_family_bounds(_LOOKS, alpha=ALPHA, spending=_SPENDING)
        difference = _MEAN * (self.factor - 1)
        found, covered, errors = [], [], []
        for _ in range(replications):
            looks = self._looks(generator, factor=self.factor)
            pairs = list(zip(looks, bounds, strict=True))
            found.append(any(abs(each.z) >= bound for each, bound in pairs))
            covered.append(all(difference in intervals_at(each, critical=bound)[0] for each, bound in pairs))
            errors.append(looks[-1].error)
        drift = difference / float(np.sqrt(np.square(errors).mean()))
        return Planted(
            found=np.array(found), covered=np.array(covered), promised_power=_power(bounds, drift=drift)
        )

    @staticmethod
    def _looks(generator: np.random.Generator, *, factor: float) -> list[Comparison]:
        control, treatment = _arm(generator, mean=_MEAN), _arm(generator, mean=_MEAN * factor)
        sizes = [round(share * _UNITS) for share in _LOOKS]
        return [_compared(control[:size], treatment[:size]) for size in sizes]

    @staticmethod
    def _check(looks: list[Comparison], *, crosses: bool) -> None:
        decision = decide(
            [Look(share=share, z=each.z) for share, each in zip(_LOOKS, looks, strict=True)],
            alpha=ALPHA,
            spending=_SPENDING,
            is_last=True,
        )
        if isinstance(decision, CannotTell) or (decision.crossed_at is not None) != crosses:
            raise RuntimeError("a decision says something else than its bounds")


def _power(bounds: tuple[float, ...], *, drift: float) -> float:
    return sum(above + below for above, below in exit_probabilities(_LOOKS, bounds, drift=drift))


@dataclass(frozen=True, slots=True, kw_only=True)
class Always:
    """A look every day for two weeks, by a confidence sequence: never more false findings than alpha."""

    method: Method
    sides: Sides
    promises: tuple[Promise, ...]
    alpha: float

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Look every day at two arms that are alike."""
        return Null(
            found=np.array([self._run(generator, factor=1.0)[0] for _ in range(replications)], np.float64)
        )

    def planted(self, generator: np.random.Generator, replications: int) -> Planted | None:
        """Look every day at a known effect; the intervals of all days together must hold it."""
        if self.sides is Sides.ONE:
            return None
        runs = [self._run(generator, factor=1.12) for _ in range(replications)]
        return Planted(
            found=np.array([found for found, _ in runs]), covered=np.array([covered for _, covered in runs])
        )

    def _run(self, generator: np.random.Generator, *, factor: float) -> tuple[bool, bool]:
        control, treatment = _arm(generator, mean=_MEAN), _arm(generator, mean=_MEAN * factor)
        tuning = Tuning(units=2 * _UNITS, alpha=self.alpha, sides=self.sides)
        looks, holds, crossed = list[AnytimeLook](), True, False
        for day in range(1, _DAYS + 1):
            size = _UNITS * day // _DAYS
            compared = _compared(control[:size], treatment[:size])
            looks.append(AnytimeLook(units=2 * size, z=compared.z))
            decision = follow(looks[-1:], tuning=tuning)
            if isinstance(decision, CannotTell):
                continue
            crossed = crossed or decision.crossed_at is not None
            holds = holds and _MEAN * (factor - 1) in intervals_at(compared, critical=decision.bound)[0]
        return crossed, holds


def look_trials() -> tuple[Margins | Planned | Always, ...]:
    """Return the trials of rules that look several times, and of margins."""
    return (
        Margins(),
        Planned(),
        Always(method=Method.ALWAYS_VALID, sides=Sides.TWO, promises=at_most(), alpha=ALPHA),
        Always(
            method=Method.ALWAYS_VALID_ONE_SIDED,
            sides=Sides.ONE,
            promises=rate(ALPHA / 2, is_cautious=True),
            alpha=ALPHA / 2,
        ),
    )
