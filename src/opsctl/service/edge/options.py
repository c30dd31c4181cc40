"""Which settings of the books does the edge need: copied out once, so that no request touches a book."""

from collections.abc import Mapping
from dataclasses import dataclass

from opsctl.core.units import parse_duration
from opsctl.service.book import ServiceBook
from opsctl.service.cache.policy import CacheBook, Lifetime
from opsctl.service.edge.gcra import Allowance, allowance


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeOptions:
    """Settings of the edge.

    Args:
        origins: web pages that may call; empty turns CORS off.
        metrics_open: `/metrics` answers without a key; False asks for any good one.
        hit_share: part of the L1 hits that leave a line in the log.
        keys_trusted_seconds: how long a key that was good stays so while the database does not answer.
        stand_in_seconds: how long a feed of a lower tier is kept.
        has_l1: False passes every feed to the API, for measuring what L1 brings.
    """

    plans: Mapping[str, Allowance]
    keys_remembered_seconds: float
    keys_trusted_seconds: float
    body_bytes: int
    body_seconds: float
    request_seconds: float
    feed_items: int
    default_items: int
    origins: frozenset[str]
    metrics_open: bool
    hit_share: float
    has_l1: bool
    has_shared_caches: bool
    feed_lifetime: Lifetime
    stand_in_seconds: float
    refreshes_per_second: float


def edge_options(service: ServiceBook, cache: CacheBook) -> EdgeOptions:
    """Return what the two books say to the edge; a key whose plan is in no book has the plan `free`."""
    plans = {
        name: allowance(plan.requests, window_seconds=plan.window_seconds)
        for name, plan in (type(service)().plans | service.plans).items()
    }
    return EdgeOptions(
        plans=plans,
        keys_remembered_seconds=service.keys.remembered_seconds,
        keys_trusted_seconds=service.keys.trusted_seconds,
        body_bytes=service.limits.body_bytes,
        body_seconds=service.limits.body_seconds,
        request_seconds=service.limits.request_seconds,
        feed_items=service.limits.feed_items,
        default_items=service.limits.default_items,
        origins=frozenset(service.cors.origins),
        metrics_open=service.metrics_open,
        hit_share=service.logs.hit_share,
        has_l1=cache.l1.enabled,
        has_shared_caches=cache.l1.shared_caches,
        feed_lifetime=cache.l1.feed,
        stand_in_seconds=parse_duration(cache.l1.stand_in),
        refreshes_per_second=cache.l1.refreshes_per_second,
    )
