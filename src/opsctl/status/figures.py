"""What do two readings of `/metrics` say: rates, quantiles, shares and states, over the time between them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from opsctl.clients.exposition import Sample
from opsctl.metrics import service as metrics
from opsctl.metrics.model import Metric

_READERS_ROUTES = frozenset({"feed", "interactions", "content", "trending"})
_ANSWERED = frozenset({"hit", "stale", "negative"})
BAD_ERROR_RATIO = 0.01
"""What the alert `high_error_rate` calls too many, for those who have no watchers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look: when, in seconds of a clock that never goes back, and what was there."""

    at: float
    samples: Sequence[Sample]

    @property
    def is_of_service(self) -> bool:
        """Tell whether it was the ranking service that answered, and not something else at its address."""
        return any(sample.name == metrics.WORKERS.name for sample in self.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The state of the service; None where nothing happened in between.

    Args:
        rate: readers' requests a second.
        error_ratio: part of them that were answered with 5xx.
        latency_seconds: quantiles of feeds, by share.
        generation_seconds: 99th percentile of making a feed.
        hit_ratio: by tier.
        tiers: part of the feeds that were made, by tier.
        worker_use: part of a core that a worker uses.
        loop_lag_seconds: 99th percentile.
        dependencies: by name, whether it answers.
        breakers: by name, whether it is open.
    """

    seconds: float
    rate: float
    error_ratio: float | None
    latency_seconds: Mapping[float, float | None]
    generation_seconds: float | None
    hit_ratio: Mapping[str, float]
    tiers: Mapping[str, float]
    in_flight: float
    pool_busy: float
    pool_idle: float
    pool_waiting: float
    workers: float
    worker_use: float | None
    loop_lag_seconds: float | None
    outbox_lag: float
    dependencies: Mapping[str, bool] = field(default_factory=dict)
    breakers: Mapping[str, bool] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong at a glance; alerts say it better, but are not always there."""
        found = [f"{name} does not answer" for name, is_up in self.dependencies.items() if not is_up]
        found += [f"the breaker of {name} is open" for name, is_open in self.breakers.items() if is_open]
        if self.error_ratio is not None and self.error_ratio > BAD_ERROR_RATIO:
            found.append(f"{self.error_ratio:.1%} of the requests fail")
        return tuple(found)


def signals(before: Reading, after: Reading) -> Signals:
    """Return the state between two readings; a counter that went back (a restart) counts from 0."""
    change = _Change(before, after)
    seconds = max(after.at - before.at, 1e-9)
    requests = change.of(metrics.REQUESTS, lambda labels: labels.get("route") in _READERS_ROUTES)
    failed = change.of(
        metrics.REQUESTS,
        lambda labels: labels.get("route") in _READERS_ROUTES and labels.get("status") == "5xx",
    )
    workers = change.now(metrics.WORKERS)
    cpu = change.of(metrics.WORKER_CPU_SECONDS)
    feed = change.buckets(metrics.REQUEST_SECONDS, lambda labels: labels.get("route") == "feed")
    return Signals(
        seconds=seconds,
        rate=requests / seconds,
        error_ratio=failed / requests if requests else None,
        latency_seconds={share: quantile(feed, share) for share in (0.5, 0.99, 0.999)},
        generation_seconds=quantile(change.buckets(metrics.FEED_GENERATION_SECONDS), 0.99),
        hit_ratio=_hit_ratios(change),
        tiers=_shares({tier: change.of(metrics.FEEDS, _is("tier", tier)) for tier in metrics.TIERS}),
        in_flight=change.now(metrics.REQUESTS_IN_FLIGHT),
        pool_busy=change.now(metrics.POOL_CONNECTIONS, _is("state", "busy")),
        pool_idle=change.now(metrics.POOL_CONNECTIONS, _is("state", "idle")),
        pool_waiting=change.now(metrics.POOL_WAITING),
        workers=workers,
        worker_use=cpu / seconds / workers if workers else None,
        loop_lag_seconds=quantile(change.buckets(metrics.EVENT_LOOP_LAG_SECONDS), 0.99),
        outbox_lag=change.now(metrics.OUTBOX_LAG),
        dependencies={name: value > 0 for name, value in change.states(metrics.DEPENDENCY_UP).items()},
        breakers={name: value > 0 for name, value in change.states(metrics.BREAKER_STATE).items()},
    )


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Return a quantile of cumulative counts by upper bound, as Prometheus' `histogram_quantile` estimates it.

    >>> quantile({0.1: 50, 0.2: 100, math.inf: 100}, 0.75)
    0.15
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if not total:
        return None
    rank, low, below = share * total, 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if math.isinf(bound):
                return low
            inside = buckets[bound] - below
            return round(low + (bound - low) * ((rank - below) / inside if inside else 1.0), 9)
        low, below = bound, buckets[bound]
    return low


Chooses = Callable[[Mapping[str, str]], bool]


class _Change:
    """What changed between two readings."""

    def __init__(self, before: Reading, after: Reading) -> None:
        self._before = {_key(each): each.value for each in before.samples}
        self._after = [each for each in after.samples if math.isfinite(each.value)]

    def of(self, metric: Metric, chooses: Chooses = lambda _labels: True) -> float:
        """Return by how much the chosen series of a counter grew."""
        return sum(
            self._grown(each) for each in self._after if each.name == metric.name and chooses(each.labels)
        )

    def now(self, metric: Metric, chooses: Chooses = lambda _labels: True) -> float:
        """Return the sum of the chosen series of a gauge."""
        return sum(each.value for each in self._after if each.name == metric.name and chooses(each.labels))

    def states(self, metric: Metric) -> dict[str, float]:
        """Return a gauge by its dependency."""
        return {
            each.labels.get("dependency", ""): each.value for each in self._after if each.name == metric.name
        }

    def buckets(self, metric: Metric, chooses: Chooses = lambda _labels: True) -> dict[float, float]:
        """Return how much the cumulative counts of a histogram grew, by upper bound."""
        found: dict[float, float] = {}
        for each in self._after:
            if each.name == f"{metric.name}_bucket" and chooses(each.labels):
                bound = float(each.labels["le"])
                found[bound] = found.get(bound, 0.0) + self._grown(each)
        return found

    def _grown(self, sample: Sample) -> float:
        before = self._before.get(_key(sample), 0.0)
        return sample.value - before if sample.value >= before else sample.value


def _key(sample: Sample) -> tuple[str, tuple[tuple[str, str], ...]]:
    return sample.name, tuple(sorted(sample.labels.items()))


def _is(label: str, value: str) -> Chooses:
    return lambda labels: labels.get(label) == value


def _hit_ratios(change: _Change) -> dict[str, float]:
    ratios = {}
    for tier in ("l1", "l2"):
        looked = change.of(metrics.CACHE_LOOKUPS, _is("tier", tier))
        hit = change.of(
            metrics.CACHE_LOOKUPS,
            lambda labels, tier=tier: labels.get("tier") == tier and labels.get("outcome") in _ANSWERED,  # type: ignore[misc]
        )
        if looked:
            ratios[tier] = hit / looked
    return ratios


def _shares(counts: Mapping[str, float]) -> dict[str, float]:
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}
