"""What may be said at every look, however many there are: confidence sequences, e-values, always-valid p-values.

Asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2021, arXiv 2103.06476): a normal mixture
with a parameter rho that is tuned for a number of units N* and fixed at design time; a rho that followed the data would
void the guarantee. One-sided, the mixture is over the positive half. With n units and a statistic z,

    e = exp(m z^2 / (2 (m + 1))) / sqrt(m + 1),  m = n rho^2     one-sided: times 2 Phi(z sqrt(m / (m + 1)))

An e-value is 1 on average where nothing is to be found, at whatever look one stops, so it exceeds 1 / alpha with a
probability of at most alpha, ever. The bound of |z| at a look is where e = 1 / alpha.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from scipy import special

from opsctl.experiments.statistics.cannot_tell import CannotTell
from opsctl.experiments.statistics.distributions import LEAST_P, check_alpha

FEWEST_UNITS = 100
"""With fewer units, over both arms, nothing is said: the guarantee holds for large samples."""
USUAL_UNITS = 5000
"""N* where nobody knows better; GrowthBook's default, too."""


class Sides(IntEnum):
    """Which differences are looked for."""

    ONE = 1
    """Positive ones only."""
    TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How the mixture is chosen, once, at design time.

    Args:
        units: N*, over both arms, at which intervals are about as narrow as they can be.
        alpha: error rate.
        sides: of the test.
    """

    units: int
    alpha: float = 0.05
    sides: Sides = Sides.TWO

    def __post_init__(self) -> None:
        check_alpha(self.alpha, below=0.5)
        if self.units < 1:
            raise ValueError(f"a confidence sequence is tuned for a number of units, got {self.units}")

    @property
    def rho_squared(self) -> float:
        """Return rho^2 = (-2 ln a + ln(1 - 2 ln a)) / N*, with a = alpha, or 2 alpha where one-sided."""
        log = -2 * math.log(self.alpha if self.sides is Sides.TWO else 2 * self.alpha)
        return (log + math.log(1 + log)) / self.units


@dataclass(frozen=True, slots=True, kw_only=True)
class AnytimeLook:
    """What was seen at one look: units over both arms, and the statistic as `Comparison.z` or `NonInferiority.z`."""

    units: int
    z: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnytimeDecision:
    """What all looks up to the last one say.

    Args:
        e_value: at the last look.
        p_value: the least 1 / e over all looks so far: what was shown once stays shown.
        bound: of |z| (one-sided: of z) at the last look; `intervals_at` makes the confidence sequence of it.
        crossed_at: number of the first look, from 1, at which 1 / e was at most alpha, or None.
    """

    e_value: float
    p_value: float
    bound: float
    crossed_at: int | None


def follow(looks: Sequence[AnytimeLook], *, tuning: Tuning) -> AnytimeDecision | CannotTell:
    """Return what may be said at the last of these looks, whoever chose when to look.

    Looks with fewer than 100 units count for nothing.

    Raises:
        ValueError: there is no look, units fall from one to the next, or a statistic is not finite.
    """
    units = [look.units for look in looks]
    if not looks or units != sorted(units) or not all(math.isfinite(look.z) for look in looks):
        raise ValueError("looks must have finite statistics, and units that do not fall")
    if looks[-1].units < FEWEST_UNITS:
        return CannotTell(
            code="EXP091",
            because=f"{looks[-1].units} units are too few; from {FEWEST_UNITS} on it starts to count",
        )
    logs = [
        log_e_value(look.z, units=look.units, tuning=tuning) if look.units >= FEWEST_UNITS else 0.0
        for look in looks
    ]
    limit = -math.log(tuning.alpha)
    crossed = [number for number, log in enumerate(logs, start=1) if log >= limit]
    return AnytimeDecision(
        e_value=_finite_exp(logs[-1]),
        p_value=max(min(1.0, math.exp(-max(logs))), LEAST_P),
        bound=bound_at(looks[-1].units, tuning=tuning),
        crossed_at=crossed[0] if crossed else None,
    )


def log_e_value(z: float, *, units: int, tuning: Tuning) -> float:
    """Return the logarithm of the e-value of a statistic."""
    mixture = units * tuning.rho_squared
    share = mixture / (mixture + 1)
    both = share * z * z / 2 - math.log1p(mixture) / 2
    if tuning.sides is Sides.TWO:
        return both
    return both + math.log(2) + float(special.log_ndtr(z * math.sqrt(share)))


def bound_at(units: int, *, tuning: Tuning) -> float:
    """Return the bound of |z| (one-sided: of z) at a number of units.

    Two-sided it is `sqrt(2 (m + 1) / m * ln(sqrt(m + 1) / alpha))`; one-sided it is found by bisection, and a little
    tighter than the closed form in use elsewhere, `ln(1 + sqrt(m + 1) / (2 alpha))`, which is an upper limit of it.
    """
    mixture, limit = units * tuning.rho_squared, -math.log(tuning.alpha)
    two_sided = math.sqrt(2 * (mixture + 1) / mixture * (limit + math.log1p(mixture) / 2))
    if tuning.sides is Sides.TWO:
        return two_sided
    from scipy import optimize

    def gap(z: float) -> float:
        return log_e_value(z, units=units, tuning=tuning) - limit

    return float(optimize.brentq(gap, 0.0, two_sided, xtol=1e-10))


def _finite_exp(log: float) -> float:
    return math.exp(min(log, 700.0))  # e^709 is the greatest that a double holds
