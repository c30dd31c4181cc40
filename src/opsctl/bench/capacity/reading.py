"""Which counters of the service tell what a request costs behind it: sums over all workers, kinds and outcomes."""

from collections.abc import Iterable

from opsctl.clients.exposition import Sample, sums_by_name

_SUMS: dict[str, tuple[str, dict[str, str]]] = {
    "requests": ("ranking_requests_total", {}),
    "l2_operations": ("ranking_cache_lookups_total", {"tier": "l2"}),
    "vector_searches": ("ranking_vector_search_duration_seconds_count", {}),
    "database_queries": ("ranking_database_query_duration_seconds_count", {}),
    "model_calls": ("ranking_model_calls_total", {}),
    "l1_bytes": ("ranking_cache_bytes", {"tier": "l1"}),
    "l1_entries": ("ranking_cache_entries", {"tier": "l1"}),
}


def counters_of(samples: Iterable[Sample]) -> dict[str, float]:
    """Return the sums by name; a counter that the service does not expose yet is 0, nothing at all without samples."""
    seen = list(samples)
    return sums_by_name(seen, _SUMS) if seen else {}
