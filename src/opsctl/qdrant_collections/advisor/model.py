"""What is planned for, what was measured, and what is advised: values of `opsctl collections plan`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from opsctl.core.findings import Finding
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.statistics import Comparison
from opsctl.vectors.strategies import Strategy
from opsctl.vectors.summary import ArmComparison, ArmSummary

RESIDENT_FACTOR = 1.5
"""Memory of vectors over their plain size. Source: Qdrant documentation, capacity planning: size x 4 B x 1.5."""


class Advice(StrEnum):
    """What to do about a derived collection."""

    BUILD = "build"
    KEEP = "keep"
    DROP = "drop"
    SKIP = "do not build"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """A hot filter with the budgets that its searches must hold; `alias` where a derived collection serves it."""

    name: str
    filter: FilterSpec
    recall_budget: float
    p95_budget_seconds: float
    rebuilds_per_day: float
    queries_per_second: float
    is_traffic_assumed: bool = True
    alias: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a strategy costs beside the source as it is: memory by the formula, seconds of the measured build."""

    memory_bytes: float
    build_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that the advice follows from."""

    combination: Combination
    arms: Mapping[Strategy, ArmSummary]
    mean_seconds: Mapping[Strategy, float]
    against: Mapping[Strategy, ArmComparison]
    """Each cheaper strategy as baseline with the derived collection as contender, engine p50."""
    costs: Mapping[Strategy, Cost]
    points: int
    source_points: int
    problems: tuple[Finding, ...]
    is_valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The advice, in a word and in a sentence, with the figures behind it."""

    advice: Advice
    reason: str
    alternative: Strategy | None = None
    """The cheaper strategy that keeps both budgets, where there is one."""
    comparison: Comparison | None = None
    saved_seconds_per_query: float | None = None
    break_even_queries_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinationPlan:
    """One combination measured and judged."""

    measured: Measured
    recommendation: Recommendation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReport:
    """All combinations; `sampled_of` is the size of the source where only a sample was measured."""

    source: str
    points: int
    sampled_of: int | None
    overlap: float
    """Points of all recommended collections over points of the source: overlapping filters multiply storage."""
    limit: int
    plans: tuple[CombinationPlan, ...]
    duration_seconds: float


def collection_bytes(*, points: int, dimension: int, payload_bytes: float) -> float:
    """Return the memory of a collection: vectors of four bytes a number times 1.5, and the payload.

    >>> collection_bytes(points=1_000_000, dimension=128, payload_bytes=0) / 1e6
    768.0
    """
    return points * dimension * 4 * RESIDENT_FACTOR + payload_bytes
