"""What the vector node tells Prometheus, under the names that a Qdrant server uses."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opsctl.stack.vector_node.pool import Pool

# From a quick filter query to a bulk upsert of a full body.
_BUCKETS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class NodeMetrics:
    """Counters of requests, and gauges that are read from the pool at each scrape."""

    def __init__(self, pool: "Pool", *, version: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        labels = ("method", "endpoint", "status")
        self._responses = Counter(
            "rest_responses_total", "Answers by endpoint and status.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "rest_responses_duration_seconds",
            "Time from the head of a request to its answer.",
            labels[:2],
            buckets=_BUCKETS_SECONDS,
            registry=self.registry,
        )
        app = Gauge("app_info", "Name and version.", ("name", "version"), registry=self.registry)
        app.labels(name="opsctl vector node", version=version).set(1)
        self.registry.register(_PoolCollector(pool))

    def observe(self, *, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answer; `endpoint` is the route's pattern, never the path."""
        self._responses.labels(method=method, endpoint=endpoint, status=str(status)).inc()
        self._seconds.labels(method=method, endpoint=endpoint).observe(seconds)

    def render(self) -> bytes:
        """Return Prometheus's text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)


class _PoolCollector:
    """Reads the figures that the workers have sent last."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool

    def collect(self) -> "Iterable[Any]":
        """Yield the gauges of all collections."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        figures = self._pool.statistics
        yield GaugeMetricFamily("collections_total", "Collections with a running engine.", value=len(figures))
        for name, key, text in (
            ("collection_points", "points", "Points of a collection."),
            ("collection_indexed_vectors", "indexed_vectors", "Vectors in an HNSW index."),
            ("collection_segments", "segments", "Segments of a collection."),
            ("collection_running_optimizations", "optimizing", "1 while an optimisation runs or is due."),
        ):
            gauge = GaugeMetricFamily(name, text, labels=["id"])
            for collection, values in figures.items():
                gauge.add_metric([collection], float(values[key]))
            yield gauge
        restarts = CounterMetricFamily(
            "vector_node_worker_restarts", "Engine processes started anew after a death.", labels=["id"]
        )
        for collection in figures:
            restarts.add_metric([collection], self._pool.restarts.get(collection, 0))
        yield restarts
