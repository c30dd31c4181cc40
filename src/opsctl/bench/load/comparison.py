"""What is said of two loads side by side: each metric with its change, and whether it counts."""

from dataclasses import dataclass
from enum import StrEnum

from opsctl.bench.load.metrics import Metric
from opsctl.core.findings import Finding
from opsctl.evidence.model import Verdict
from opsctl.vectors.statistics import Comparison


class Pairing(StrEnum):
    """How the units of two loads belong together."""

    APART = "apart"
    """They do not."""
    BY_PLAN = "by plan"
    """Unit i of both saw the same part of the same plan."""
    IN_TURNS = "in turns"
    """Unit i of both are turns with the same middle, so that what drifts falls on both, and pairs stand alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """How one metric changed from the first load to the second."""

    metric: Metric
    unit: str
    """`s`, `share` or `1/s`, of the two values."""
    first: float | None
    second: float | None
    change: float | None
    """Relative for latencies and rates (0.2 is 20 % more), a difference for shares (0.01 is one point more)."""
    low: float | None
    high: float | None
    p_value: float | None
    superiority: float | None
    """Chance that a block of the second load lies above one of the first."""
    noise: float | None
    """The same change between the halves of one load: what differs without a cause."""
    floor: float
    """A smaller change is not claimed."""
    blocks: int
    block_seconds: float
    verdict: Comparison
    seconds_needed: float | None
    """Of each load, where this comparison cannot tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadComparison:
    """Two loads side by side; `first` is the one to compare with."""

    first: str
    second: str
    differences: tuple[tuple[str, str, str], ...]
    noise_floor: float
    changes: tuple[MetricChange, ...]
    verdict: Verdict
    is_interleaved: bool = False
    commits: tuple[str | None, str | None] = (None, None)
    refusal: Finding | None = None
    """Why the two were not compared, where they could not be; then there are no changes, and nothing can be told."""
