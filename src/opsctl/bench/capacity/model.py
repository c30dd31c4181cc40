"""What is measured of a service while its capacity is searched, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from opsctl.bench.capacity.search import Capacity
from opsctl.bench.capacity.usl import Efficiency, ScalabilityLaw
from opsctl.bench.load.model import LoadReport
from opsctl.core.quantiles import QuantileEstimate
from opsctl.evidence.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The service's counters and its processes' use at one moment."""

    seconds: float
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    """By part (`service`, `postgres`, `vectors`, `pooler`), since each began."""
    memory_bytes: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, float] = field(default_factory=dict)
    """`requests`, `l2_operations`, `vector_searches`, `database_queries`, `model_calls`, and the gauges `l1_bytes` and
    `l1_entries`, over all workers; empty where the service's metrics cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What the service used a request, between two readings."""

    rate: float
    """Requests a second that it answered."""
    hit_ratio: float | None
    cpu_seconds_per_request: Mapping[str, float]
    memory_bytes: Mapping[str, int]
    operations_per_request: Mapping[str, float]
    """By counter, without `requests`."""
    l1_bytes_per_entry: float | None
    l1_entries: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """One step as it is shown and kept."""

    rate: float
    answer: str
    seconds: float
    achieved_rate: float
    p50: QuantileEstimate | None
    p99: QuantileEstimate | None
    error_rate: float
    hit_ratio: float | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersResult:
    """What one number of workers holds."""

    workers: int
    capacity: Capacity
    steps: tuple[StepResult, ...]
    use: Use | None
    """At the highest rate that passed; None where none did or nothing can be read."""
    last: LoadReport | None = None
    """The report of that step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is to be held."""

    rate: float = 10_000.0
    users: int = 10_000
    headroom: float = 0.3
    """The part of the capacity that stays free for bursts, failures and growth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a target needs; None where it cannot be said."""

    target: Target
    workers: int | None
    workers_most: int | None
    """The same at the lower end of what was measured; None where no number of workers holds it there."""
    basis: str
    """How the number of workers was found: `law`, `efficiency` or `proportion`."""
    cores: float | None
    cores_by_part: Mapping[str, float]
    memory_bytes: float | None
    l2_operations_per_second: float | None
    vector_searches_per_second: float | None
    database_queries_per_second: float | None
    model_calls_per_second: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityReport:
    """What `bench capacity` found."""

    load: str
    target_url: str
    gates: tuple[str, ...]
    results: tuple[WorkersResult, ...]
    law: ScalabilityLaw | None
    efficiency: Efficiency | None
    need: Need | None
    plan_digest: str
    fingerprint: Mapping[str, str]
    git_commit: str | None
    duration_seconds: float
    simulated: tuple[str, ...]
    verdict: Verdict
