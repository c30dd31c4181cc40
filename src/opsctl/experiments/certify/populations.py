"""Readers whose truth is known, many experiments at once: the values of units, as moments, with and without an effect.

Each population is of a shape that real metrics have: counts of very unequal readers, rare events, ratios whose two parts
hang together, latencies with a long tail, and what the same readers did before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from opsctl.experiments.statistics.moments import Moments

Floats = NDArray[np.float64]

UNITS = 1000
"""Units of the control: about what the planned experiments have."""
OTHER_UNITS = 1037
"""Units of the treatment. Arms are never alike in life, and of two that were, shares would be equal so often that their
p-values could not be uniform."""
RATE, SHAPE = 3.0, 1.5
"""Of counts: their mean, and the shape of the Gamma by which readers differ in their rate."""
SHARE = 0.2
"""Of units that have a rare event."""
CLICK_SHAPES = (2.0, 8.0)
"""Of a ratio: the Beta by which readers differ in how readily they click."""
SESSIONS = 4.0
"""Mean number of sessions after the first one."""
NEWCOMERS = 0.15
"""Share of units without a pre-period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One arm of b experiments; `values` has the shape (b, units, variables)."""

    values: Floats

    def moments(self) -> Sequence[Moments]:
        """Return the moments of each experiment."""
        return moments_of_batch(self.values)


def moments_of_batch(values: Floats) -> list[Moments]:
    """Return the moments of b tables of n units and k variables, shape (b, n, k)."""
    means = values.mean(axis=1)
    centred = values - means[:, None, :]
    comoments = np.einsum("bni,bnj->bij", centred, centred)
    return [
        Moments(n=values.shape[1], means=tuple(mean), comoments=tuple(tuple(row) for row in table))
        for mean, table in zip(means.tolist(), comoments.tolist(), strict=True)
    ]


def counts(generator: np.random.Generator, batch: int, *, factor: float = 1.0, units: int = UNITS) -> Floats:
    """Return counts of unequal readers, shape (b, n, 1), of mean `RATE factor`."""
    rates = generator.gamma(SHAPE, RATE / SHAPE, (batch, units))
    return generator.poisson(factor * rates).astype(np.float64)[..., None]


def counts_with_past(
    generator: np.random.Generator, batch: int, *, factor: float = 1.0, units: int = UNITS
) -> Floats:
    """Return counts and those of the same readers before, shape (b, n, 2)."""
    rates = generator.gamma(SHAPE, RATE / SHAPE, (batch, units))
    return np.stack([generator.poisson(factor * rates), generator.poisson(rates)], axis=-1).astype(np.float64)


def shares(generator: np.random.Generator, batch: int, *, factor: float = 1.0, units: int = UNITS) -> Floats:
    """Return whether units had a rare event, shape (b, n, 1)."""
    return (generator.random((batch, units, 1)) < SHARE * factor).astype(np.float64)


def shares_with_past(
    generator: np.random.Generator, batch: int, *, factor: float = 1.0, units: int = UNITS
) -> Floats:
    """Return whether units had an event, and how many before, shape (b, n, 2)."""
    chances = generator.beta(*CLICK_SHAPES, (batch, units))
    now = generator.random((batch, units)) < chances * factor
    return np.stack([now, generator.binomial(10, chances)], axis=-1).astype(np.float64)


def ratios(generator: np.random.Generator, batch: int, *, factor: float = 1.0, units: int = UNITS) -> Floats:
    """Return clicks and sessions, shape (b, n, 2); the ratio of their means is `mean(Beta) factor`."""
    sessions = 1 + generator.poisson(generator.gamma(SHAPE, SESSIONS / SHAPE, (batch, units)))
    clicks = generator.binomial(sessions, _raised(generator.beta(*CLICK_SHAPES, (batch, units)), factor))
    return np.stack([clicks, sessions], axis=-1).astype(np.float64)


def ratios_with_past(
    generator: np.random.Generator, batch: int, *, factor: float = 1.0, units: int = UNITS
) -> Floats:
    """Return clicks and sessions, and both before, shape (b, n, 4)."""
    rates = generator.gamma(SHAPE, SESSIONS / SHAPE, (batch, units))
    readiness = generator.beta(*CLICK_SHAPES, (batch, units))
    sessions, before = 1 + generator.poisson(rates), 1 + generator.poisson(rates)
    clicks = generator.binomial(sessions, _raised(readiness, factor))
    return np.stack([clicks, sessions, generator.binomial(before, readiness), before], axis=-1).astype(
        np.float64
    )


def in_strata(values: Floats, *, outcomes: int, newcomers: int) -> list[list[Moments]]:
    """Return by experiment the moments of two strata: the first units have no pre-period, so theirs is 0."""
    without = values[:, :newcomers].copy()
    without[..., outcomes:] = 0.0
    return [
        [new, old]
        for new, old in zip(moments_of_batch(without), moments_of_batch(values[:, newcomers:]), strict=True)
    ]


def newcomers(generator: np.random.Generator, *, units: int) -> int:
    """Return how many units of an arm are new this time: chance, as in life."""
    return int(generator.binomial(units, NEWCOMERS))


def _raised(chances: Floats, factor: float) -> Floats:
    """Return greater chances; of Beta(2, 8) about one in a hundred thousand would be above 1, which moves no mean by 1e-5."""
    return np.minimum(chances * factor, 1.0)
