"""How are samples added up while a drill goes on: by phase, by stretch of time, and over the last few seconds."""

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from opsctl.chaos.latencies import Latencies
from opsctl.chaos.sample import NoFeed, Phase, PhaseFigures, Point, Sample, server_of, status_text

_MOST_POINTS = 600
"""Of a chart; a longer drill has longer stretches, so that memory is bounded."""


@dataclass(slots=True)
class Sum:
    """What requests come to."""

    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    servers: Counter[str] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)

    def add(self, sample: Sample) -> None:
        """Count one request."""
        self.counts["number"] += 1
        self.counts["good"] += sample.is_good
        self.counts["empty"] += sample.is_empty
        self.counts["stale"] += sample.is_stale
        self.counts["cached"] += sample.is_cached
        self.counts["retries"] += sample.is_retry
        self.statuses[status_text(sample.status)] += 1
        self.servers[server_of(sample)] += 1
        if sample.is_fresh:
            self.tiers[sample.tier] += 1
        if sample.status != NoFeed.UNSENT:  # which took no time, and must not look fast
            self.latencies.add(sample.seconds)

    def merge(self, other: "Sum") -> None:
        """Add what another counted."""
        for name in ("counts", "statuses", "tiers", "servers"):
            getattr(self, name).update(getattr(other, name))
        self.latencies.merge(other.latencies)

    def figures(self, *, seconds: float) -> PhaseFigures:
        """Return what it comes to in a phase of so many seconds."""
        counted = {
            name: self.counts[name] for name in ("number", "good", "empty", "stale", "cached", "retries")
        }
        return PhaseFigures(
            seconds=seconds,
            p50_seconds=self.latencies.quantile(0.5),
            p95_seconds=self.latencies.quantile(0.95),
            p99_seconds=self.latencies.quantile(0.99),
            statuses=dict(sorted(self.statuses.items())),
            tiers=dict(sorted(self.tiers.items())),
            **counted,
        )

    def point(self, *, second: float, length_seconds: float) -> Point:
        """Return what it comes to as a stretch of a chart."""
        return Point(
            second=second,
            length_seconds=length_seconds,
            number=self.counts["number"],
            good=self.counts["good"],
            p50_seconds=self.latencies.quantile(0.5),
            p99_seconds=self.latencies.quantile(0.99),
            tiers=dict(sorted(self.servers.items())),
        )


class Tally:
    """All samples of a drill that began at `began_at`; `phase_of` tells to which phase one belongs.

    Args:
        remembers_seconds: `recent` can look back so far.
    """

    def __init__(
        self, *, began_at: float, phase_of: Callable[[Sample], Phase], remembers_seconds: float
    ) -> None:
        self._began_at = began_at
        self._phase_of = phase_of
        self._remembers_seconds = remembers_seconds
        self._phases = {phase: Sum() for phase in Phase}
        self._stretches: dict[int, Sum] = {}
        self._stretch_seconds = 1
        self._recent: deque[tuple[float, bool, str]] = deque()

    def add(self, sample: Sample, *, now: float) -> None:
        """Count one request."""
        self._phases[self._phase_of(sample)].add(sample)
        second = max(0, int(sample.at - self._began_at))
        self._stretches.setdefault(second // self._stretch_seconds, Sum()).add(sample)
        while len(self._stretches) > _MOST_POINTS:
            self._join_stretches()
        self._recent.append((sample.ended_at, sample.is_good, sample.tier if sample.is_fresh else ""))
        while self._recent and self._recent[0][0] < now - self._remembers_seconds:
            self._recent.popleft()

    def figures(self, phase: Phase, *, seconds: float) -> PhaseFigures:
        """Return what a phase of so many seconds comes to."""
        return self._phases[phase].figures(seconds=seconds)

    def points(self, *, until: float) -> tuple[Point, ...]:
        """Return the stretches from the beginning to now, empty ones included; the last one ends now."""
        length, passed = self._stretch_seconds, until - self._began_at
        last = max(math.ceil(passed / length) - 1, *self._stretches, 0)
        ends = [min(length, max(passed - place * length, 0.001)) for place in range(last + 1)]
        return tuple(
            self._stretches.get(place, Sum()).point(second=place * length, length_seconds=seconds)
            for place, seconds in enumerate(ends)
        )

    def recent(self, *, now: float, seconds: float) -> tuple[int, int]:
        """Return how many requests ended in the last seconds, and how many of them well."""
        ended = [is_good for at, is_good, _ in self._recent if now - seconds < at <= now]
        return len(ended), sum(ended)

    def recent_fresh(self, tier: str, *, now: float, seconds: float) -> tuple[int, int]:
        """Return how many fresh answers ended in the last seconds, and how many of them a tier made."""
        tiers = [made_by for at, _, made_by in self._recent if made_by and now - seconds < at <= now]
        return len(tiers), tiers.count(tier)

    def _join_stretches(self) -> None:
        joined: dict[int, Sum] = {}
        for place, each in self._stretches.items():
            joined.setdefault(place // 2, Sum()).merge(each)
        self._stretches = joined
        self._stretch_seconds *= 2
