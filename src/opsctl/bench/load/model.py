"""What does a load run say: the ticks while it goes, and the report that is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opsctl.bench.load.histogram import Sparse
from opsctl.core.events import Event
from opsctl.core.findings import Finding
from opsctl.core.quantiles import QuantileEstimate
from opsctl.evidence.model import Verdict

INTERRUPTED = "interrupted"
"""The reason that a run gives when somebody ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadTick(Event):
    """The state of a running load, once a second, for whoever watches."""

    seconds: float
    total_seconds: float
    planned_rate: float
    achieved_rate: float
    in_flight: int
    waiting: int
    percentiles_seconds: Mapping[float, float]
    """Response times of the last seconds by share (0.5, 0.95, 0.99)."""
    errors: int
    answered: int
    tiers: Mapping[str, int]
    phase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Quantiles in seconds that the sample supports (`None` is never shown as a number), with intervals."""

    count: int
    mean_seconds: float
    maximum_seconds: float
    estimates: tuple[QuantileEstimate, ...]

    def at(self, share: float) -> QuantileEstimate | None:
        """Return the estimate of one share, or None where the sample is too small for it."""
        return next((each for each in self.estimates if each.quantile == share), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateCheck:
    """One gate beside what was measured; inconclusive where the interval holds the limit inside."""

    gate: str
    metric: str
    limit: float
    value: float | None
    low: float | None
    high: float | None
    unit: str
    """`s`, `share`, `1/s` or empty."""
    verdict: Verdict
    is_abort: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One second (or a few, in long runs) of the run, by when requests were planned."""

    second: float
    length_seconds: float
    planned: int
    answered: int
    errors: int
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None
    tiers: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """How much of the exact answer the service's own search found, over shadowed arrivals."""

    searches: int
    limit: int
    value: float | None
    low: float | None
    high: float | None
    skipped: int
    """Arrivals drawn for a shadow search that the budget did not allow."""
    compares: str = ""
    """What was compared with what, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What a load run found; plain values only, so that it is stored as it is."""

    load: str
    title: str
    engine: str
    """`opsctl` or `locust`."""
    loop: str
    target: str
    plan_digest: str
    book_digest: str
    seed: int
    processes: int
    connections: int
    duration_seconds: float
    """Of the counted part, warm-up left out."""
    planned: int
    sent: int
    answered: int
    planned_rate: float
    achieved_rate: float
    goodput_rate: float
    """Good answers a second."""
    outcomes: Mapping[str, int]
    statuses: Mapping[str, int]
    reasons: Mapping[str, int]
    error_rate: float
    response: Percentiles
    service: Percentiles
    generator_lag: Percentiles
    queue_wait: Percentiles
    endpoints: Mapping[str, Percentiles]
    tiers: Mapping[str, Percentiles]
    tier_counts: Mapping[str, int]
    hit_ratio: float | None
    """L1 and stale answers among all that name a tier; None where none does."""
    stages: Mapping[str, Mapping[str, float]]
    """Mean seconds by tier and stage."""
    points: tuple[Point, ...]
    histograms: Mapping[str, Sparse]
    """`response`, `service`, and `response.<tier>`, for later comparisons and plots."""
    recall: Recall | None
    gates: tuple[GateCheck, ...]
    problems: tuple[Finding, ...]
    """Errors among them make the run invalid."""
    sender: Mapping[str, float]
    """`cpu_cores`, `starved_share`, `resident_bytes` of the sending processes together."""
    aborted: str
    """Why the run ended early; empty when it did not."""
    fingerprint: Mapping[str, str]
    git_commit: str | None
    verdict: Verdict
    simulated: tuple[str, ...] = ()
    """What of the measured service was simulated, such as its scoring model; empty when all was real."""
    main_rate: float = 0.0
    """Planned requests a second in the phase with most of them, of which a gate on `rate` speaks; 0 in a closed loop, whose
    rate nobody plans."""
    main_seconds: float = 0.0
    """The length of that phase."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Sparse, ...] = ()
    """Response histograms of the points, in their order: what comparisons draw from. The registry keeps them packed."""

    @property
    def is_valid(self) -> bool:
        """Tell whether the run says anything about the service."""
        return self.verdict is not Verdict.INCONCLUSIVE or not any(
            problem.severity == "error" for problem in self.problems
        )
