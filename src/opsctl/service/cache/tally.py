"""How well do the caches do: hits, misses, entries and bytes by tier and kind, out of a service's metrics."""

from collections import defaultdict
from dataclasses import dataclass

from opsctl.core.errors import NotReadyError
from opsctl.metrics import service as metrics
from opsctl.service.cache.keys import L1_KINDS, L2_KINDS

# What was served without asking the source: an absence that is remembered is an answer too.
_SERVED = ("hit", "stale", "negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTally:
    """Figures of one kind since the service started, all workers together; None where the metric does not exist.

    Args:
        hit_ratio: share of lookups that were answered without the source; None before the first lookup.
    """

    tier: str
    kind: str
    hits: int
    stale: int
    negative: int
    misses: int
    poisoned: int
    errors: int
    hit_ratio: float | None
    entries: int | None
    bytes: int | None
    evictions: int
    invalidations: int


def read_metrics(url: str, *, timeout_seconds: float = 5.0) -> str:
    """Return what a service exposes at `/metrics`.

    Raises:
        NotReadyError: CAC006 when nothing answers there, or not with metrics.
    """
    import httpx

    address = f"{url.rstrip('/')}/metrics"
    why = ""
    try:
        response = httpx.get(address, timeout=timeout_seconds, follow_redirects=False)
        if response.is_success and "ranking_" in response.text:
            return response.text
        why = f"status {response.status_code}, and no metric of a ranking service"
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
    raise NotReadyError(
        f"no service tells its figures at `{address}`",
        code="CAC006",
        why=why,
        fix="start it with `opsctl stack up`, or name another one: "
        "OPSCTL_SERVICE_URL=http://HOST:PORT opsctl cache stats",
    )


def tally(text: str) -> list[KindTally]:
    """Return the figures of every kind from metrics in Prometheus' text format; a kind nobody asked for has zeros."""
    samples = _samples(text)
    kinds = [*(("l1", kind) for kind in L1_KINDS), *(("l2", kind) for kind in L2_KINDS)]
    return [_tally(samples, tier, kind) for tier, kind in kinds]


def _tally(samples: dict[tuple[str, str, str, str], float], tier: str, kind: str) -> KindTally:
    def figure(name: str, outcome: str = "") -> float | None:
        return samples.get((name, tier, kind, outcome))

    outcomes = {
        outcome: int(figure(metrics.CACHE_LOOKUPS.name, outcome) or 0) for outcome in metrics.CACHE_OUTCOMES
    }
    total = sum(outcomes.values())
    entries, size = figure(metrics.CACHE_ENTRIES.name), figure(metrics.CACHE_BYTES.name)
    return KindTally(
        tier=tier,
        kind=kind,
        hits=outcomes["hit"],
        stale=outcomes["stale"],
        negative=outcomes["negative"],
        misses=outcomes["miss"],
        poisoned=outcomes["poisoned"],
        errors=outcomes["error"],
        hit_ratio=sum(outcomes[each] for each in _SERVED) / total if total else None,
        entries=None if entries is None else int(entries),
        bytes=None if size is None else int(size),
        evictions=int(figure(metrics.CACHE_EVICTIONS.name) or 0),
        invalidations=int(figure(metrics.CACHE_INVALIDATIONS.name) or 0),
    )


def _samples(text: str) -> dict[tuple[str, str, str, str], float]:
    """Return the cache samples by name, tier, kind and outcome; those of several workers are added up."""
    from prometheus_client.parser import text_string_to_metric_families

    samples: dict[tuple[str, str, str, str], float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            if sample.name.startswith("ranking_cache_") and "kind" in labels:
                key = (sample.name, labels["tier"], labels["kind"], labels.get("outcome", ""))
                samples[key] += sample.value
    return dict(samples)
