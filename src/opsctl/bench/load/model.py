"""What became of the requests of a load: outcomes, tallies that merge, and the report that is kept."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from opsctl.bench.load.histogram import Histogram, Sparse
from opsctl.core.events import Event
from opsctl.core.findings import Finding
from opsctl.core.quantiles import QuantileEstimate
from opsctl.evidence.model import Verdict

MOST_BLOCKS = 1200
"""Points of time that a run keeps apart."""

MOST_REASONS = 50

OTHER_REASONS = "other reasons"
"""The last of the `MOST_REASONS`: takes what comes beyond the others."""


class Outcome(StrEnum):
    """What became of one request; all but `ok` are errors."""

    OK = "ok"
    BAD_STATUS = "bad_status"
    REDIRECT = "redirect"
    CHECK_FAILED = "check_failed"
    REFUSED = "refused"
    """No connection could be made."""
    TLS_FAILED = "tls_failed"
    RESET = "reset"
    """The connection ended before an answer began."""
    TRUNCATED = "truncated"
    """It ended in the middle of an answer, or the answer was shorter than it said."""
    MALFORMED = "malformed"
    """What came is no HTTP/1.1, contradicts itself, or is longer than it said."""
    TIMED_OUT = "timed_out"
    UNFINISHED = "unfinished"
    """Still out when the run ended: censored, with the time waited so far as a lower bound."""
    DROPPED = "dropped"
    """Planned and never sent, because too many were waiting already."""


class Tier(StrEnum):
    """Who answered, as `X-Cache` says; `none` where it says nothing."""

    L1 = "HIT-L1"
    STALE = "STALE"
    L2 = "HIT-L2"
    MISS = "MISS"
    NONE = "none"


@dataclass(slots=True, kw_only=True)
class Timings:
    """Histograms in microseconds. `response` counts from when a request was planned, `service` from when it was sent.

    Response = generator lag + queue wait + service. The lag is the sender's own fault, the queue wait (for a free
    connection) the service's. `response` and `service` hold good answers, and with the time waited so far those that
    timed out or were unfinished; other errors are in `failed`, so that failing fast never looks like being fast.
    """

    response: Histogram = field(default_factory=Histogram)
    service: Histogram = field(default_factory=Histogram)
    generator_lag: Histogram = field(default_factory=Histogram)
    queue_wait: Histogram = field(default_factory=Histogram)
    """Of every request that was not dropped, as the lag."""
    failed: Histogram = field(default_factory=Histogram)
    """Response times of the other errors."""
    censored: Histogram = field(default_factory=Histogram)
    """Those of `response` that are only the time waited so far: without an answer nobody knows how long it would take."""
    censored_service: Histogram = field(default_factory=Histogram)
    """The same of `service`."""

    def merge(self, other: "Timings") -> None:
        """Add what another process recorded."""
        for each in fields(Timings):
            getattr(self, each.name).merge(getattr(other, each.name))


@dataclass(slots=True, kw_only=True)
class Block:
    """What became of the requests planned within one second of the run; `response` as in `Timings`."""

    planned: int = 0
    errors: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    response: Histogram = field(default_factory=Histogram)

    def merge(self, other: "Block") -> None:
        """Add what another process, or the neighbouring second, recorded."""
        self.planned += other.planned
        self.errors += other.errors
        self.tiers.update(other.tiers)
        self.response.merge(other.response)


@dataclass(slots=True, kw_only=True)
class StageTime:
    """Time that the service says it spent in one stage (`Server-Timing`), over sampled answers."""

    seconds: float = 0.0
    answers: int = 0

    def merge(self, other: "StageTime") -> None:
        """Add what another process recorded."""
        self.seconds += other.seconds
        self.answers += other.answers


@dataclass(slots=True, kw_only=True)
class Tally:
    """All that one process, or all of them, recorded; two tallies merge without loss."""

    planned: int = 0
    sent: int = 0
    timings: Timings = field(default_factory=Timings)
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why answers were errors, in a few words; at most `MOST_REASONS` different ones are kept."""
    endpoints: dict[str, Block] = field(default_factory=dict)
    tiers: dict[str, Histogram] = field(default_factory=dict)
    """Response times of good answers by tier."""
    stages: dict[str, dict[str, StageTime]] = field(default_factory=dict)
    """By tier and stage."""
    blocks: dict[int, Block] = field(default_factory=dict)
    """By the first second of each block: those of the run in which its requests were planned."""
    block_seconds: int = 1
    """Doubles, with neighbours merged, each time there are more than `MOST_BLOCKS`: memory does not grow with time."""
    received_bytes: int = 0

    def add_reason(self, reason: str, *, count: int = 1) -> None:
        """Count why answers were errors."""
        known = reason in self.reasons or len(self.reasons) < MOST_REASONS - 1
        self.reasons[reason if known else OTHER_REASONS] += count

    def merge(self, other: "Tally") -> None:
        """Add what another process recorded, or the same one later; blocks take the longer of both lengths."""
        self.planned += other.planned
        self.sent += other.sent
        self.received_bytes += other.received_bytes
        self.timings.merge(other.timings)
        self.outcomes.update(other.outcomes)
        self.statuses.update(other.statuses)
        for reason, count in other.reasons.items():
            self.add_reason(reason, count=count)
        for name, block in other.endpoints.items():
            self.endpoints.setdefault(name, Block()).merge(block)
        for tier, histogram in other.tiers.items():
            self.tiers.setdefault(tier, Histogram()).merge(histogram)
        for tier, stages in other.stages.items():
            own = self.stages.setdefault(tier, {})
            for stage, time in stages.items():
                own.setdefault(stage, StageTime()).merge(time)
        self.widen(other.block_seconds)
        self._take_blocks(other.blocks)
        while len(self.blocks) > MOST_BLOCKS:
            self.widen(2 * self.block_seconds)

    def widen(self, block_seconds: int) -> None:
        """Make blocks at least so long, by merging neighbours."""
        while self.block_seconds < block_seconds:
            self.block_seconds *= 2
            shorter, self.blocks = self.blocks, {}
            self._take_blocks(shorter)

    def _take_blocks(self, blocks: Mapping[int, Block]) -> None:
        """Add blocks that are no longer than its own."""
        for second, block in blocks.items():
            kept = self.blocks.setdefault(second - second % self.block_seconds, Block())
            kept.merge(block)
            # Packed at once: a thousand blocks each hold hundreds of values, and tens of thousands of slots.
            kept.response.pack()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a sending process tells about once a second: what is new since the last frame."""

    process: int
    seconds: float
    """Since the run began."""
    in_flight: int
    waiting: int
    new: Tally
    cpu_seconds: float
    """CPU time used since the last frame."""
    starved_seconds: float
    """Time spent waiting for a CPU since the last frame, where the system tells."""
    resident_bytes: int
    is_last: bool = False
    error: str = ""
    """Why the process gave up, when it did."""


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
