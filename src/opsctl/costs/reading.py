"""Which counters tell what feeds use: those of the service's `/metrics`, and the use of its processes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from opsctl.clients.exposition import Sample, sums_by_name

SUMS: dict[str, tuple[str, dict[str, str]]] = {
    "feeds": ("ranking_requests_total", {"route": "feed", "status": "2xx"}),
    "made": ("ranking_feeds_total", {}),
    "degraded": ("ranking_feeds_degraded_total", {}),
    "calls": ("ranking_model_calls_total", {}),
    "scored": ("ranking_model_items_total", {"outcome": "scored"}),
    "input_tokens": ("ranking_model_tokens_total", {"direction": "input"}),
    "output_tokens": ("ranking_model_tokens_total", {"direction": "output"}),
    "searches": ("ranking_vector_search_duration_seconds_count", {}),
    "statements": ("ranking_database_query_duration_seconds_count", {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """The service's counters and its processes' use, at one moment or grown between two.

    Args:
        feeds: answered.
        made: of these, made and not taken from L1.
        degraded: made by a lower tier.
        calls: of the model.
        scored: items to which the model gave a score.
        input_tokens: that the model's endpoint counted.
        output_tokens: likewise.
        searches: of the vector database.
        statements: of PostgreSQL.
        database_sent_bytes: that PostgreSQL sent; None where nothing counts them.
        log_bytes: that the service wrote.
        cpu_seconds: by part.
        memory_bytes: by part, at that moment.
    """

    feeds: float = 0
    made: float = 0
    degraded: float = 0
    calls: float = 0
    scored: float = 0
    input_tokens: float = 0
    output_tokens: float = 0
    searches: float = 0
    statements: float = 0
    database_sent_bytes: float | None = None
    log_bytes: float | None = None
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)
    memory_bytes: Mapping[str, int] = field(default_factory=dict)

    def since(self, before: "Counters") -> "Counters":
        """Return what was added since an earlier moment; memory is that of now."""
        names = [each.name for each in fields(self) if each.name not in ("cpu_seconds", "memory_bytes")]
        grown: dict[str, Any] = {name: _grown(getattr(before, name), getattr(self, name)) for name in names}
        cpu = {
            part: seconds - before.cpu_seconds[part]
            for part, seconds in self.cpu_seconds.items()
            if part in before.cpu_seconds
        }
        return Counters(**grown, cpu_seconds=cpu, memory_bytes=self.memory_bytes)


def sums_of(samples: Iterable[Sample]) -> dict[str, float]:
    """Return the counters that `/metrics` has, by the names of `Counters`; one that is not there yet is 0."""
    return sums_by_name(samples, SUMS)


def _grown(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
