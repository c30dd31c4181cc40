"""What is promised of a method, what was measured of it, and the certificate that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from opsctl.experiments.statistics.methods import Method

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Figure(StrEnum):
    """What is measured."""

    FALSE_FINDINGS = "false_findings"
    """Share of experiments without an effect in which one is found."""
    UNIFORMITY = "uniformity"
    """p of the Kolmogorov-Smirnov test that p-values without an effect are uniform."""
    COVERAGE = "coverage"
    """Share of intervals of a difference that hold the true one."""
    LIFT_COVERAGE = "lift_coverage"
    """Share of intervals of a lift that hold the true one."""
    POWER = "power"
    """Share of planted effects that are found, less what the sample-size formula promises."""
    SHIPPED_FOR_NOTHING = "shipped_for_nothing"
    """Share of whole experiments without an effect whose verdict is to ship."""
    SHIPPED_LIFTS = "shipped_lifts"
    """Share of whole experiments with the effect that was planned for whose verdict is to ship it."""
    SHIPPED_HARM = "shipped_harm"
    """Share of whole experiments with a great effect, and harm of just a guardrail's margin, whose verdict is to ship it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a figure must be: within, bounds included; None is no bound."""

    figure: Figure
    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        """Tell whether it is kept."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """Experiments without an effect.

    Args:
        found: by experiment, 1 where something was found, 0 where not; of Benjamini-Hochberg the share of what was found.
        p_values: of those whose p must be uniform; None where they are not by design (several looks, families).
    """

    found: Floats
    p_values: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """Experiments with a known effect.

    Args:
        found: by experiment, whether it was found.
        covered: whether the interval of the difference holds the truth.
        lift_covered: whether that of the lift does.
        promised_power: what the formula says; None where nothing is promised.
        harmful: of experiments that also broke a guardrail, whether it was shipped all the same.
    """

    found: Flags
    covered: Flags | None = None
    lift_covered: Flags | None = None
    promised_power: float | None = None
    harmful: Flags | None = None


class Trial(Protocol):
    """How a method is tried; all chance comes from the generator."""

    @property
    def method(self) -> Method:
        """Return what is tried."""
        ...

    @property
    def promises(self) -> tuple[Promise, ...]:
        """Return what it must keep."""
        ...

    def null(self, generator: np.random.Generator, replications: int) -> Null:
        """Run experiments without an effect."""
        ...

    def planted(self, generator: np.random.Generator, replications: int) -> Planted | None:
        """Run experiments with an effect; None for a method that has no interval."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure of a method beside its promise."""

    figure: Figure
    value: float
    low: float | None
    high: float | None
    replications: int
    is_kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What was measured of a method.

    Args:
        code: SHA-256 of the statistics that were measured; with other code it certifies nothing.
        seconds: how long it took; no part of what is compared.
    """

    method: Method
    figures: tuple[Measured, ...]
    seed: int
    code: str
    versions: Mapping[str, str]
    seconds: float

    @property
    def is_green(self) -> bool:
        """Tell whether every promise is kept."""
        return all(figure.is_kept for figure in self.figures)
