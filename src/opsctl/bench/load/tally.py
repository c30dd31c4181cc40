"""What became of the requests of a load: outcomes, and tallies of sending processes that merge without loss."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from opsctl.bench.load.histogram import Histogram

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
