"""How are the declared metrics counted: prometheus-client's instruments, right with several workers too."""

import os
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.metrics import service as metrics
from opsctl.metrics.model import Metric, MetricType
from opsctl.service.telemetry.merging import MergedFiles
from opsctl.service.telemetry.workers import ENVIRONMENT

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

    from opsctl.service.telemetry.exemplars import Exemplars


class Meters:
    """The instruments of one process.

    In the service the environment names a folder (`PROMETHEUS_MULTIPROC_DIR`, set by `opsctl serve` before the workers
    start) in which the library keeps one memory-mapped file a worker and type; `render` then adds them up, those of
    workers that died included.
    """

    def __init__(self, registry: "CollectorRegistry | None" = None) -> None:
        from prometheus_client import CollectorRegistry as Registry

        self.registry = registry or Registry()
        folder = os.environ.get(ENVIRONMENT)
        self._of_workers = MergedFiles(Path(folder)) if folder else None
        self._instruments = {metric.name: _instrument(metric, self.registry) for metric in metrics.ALL}
        self._children: dict[tuple[str, ...], Counter | Gauge | Histogram] = {}
        for metric in metrics.ALL:
            _initialise(self, metric)

    def count(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """Add to a counter."""
        self._child(metric, labels).inc(by)  # type: ignore[union-attr]  # declared as a counter

    def set(self, metric: Metric, *labels: str, to: float) -> None:
        """Set a gauge."""
        self._child(metric, labels).set(to)  # type: ignore[union-attr]  # declared as a gauge

    def add(self, metric: Metric, *labels: str, by: float) -> None:
        """Raise or lower a gauge."""
        self._child(metric, labels).inc(by)  # type: ignore[union-attr]  # declared as a gauge

    def observe(self, metric: Metric, *labels: str, value: float) -> None:
        """Add one observation to a histogram."""
        self._child(metric, labels).observe(value)  # type: ignore[union-attr]  # declared as a histogram

    def observe_many(self, metric: Metric, *labels: str, counts: Sequence[int], total: float) -> None:
        """Add many observations at once: how many fell into each bucket, the one beyond all bounds last, and their sum.

        prometheus-client has nothing public for this; `tests/service/edge/test_counting.py` compares it to `observe`.
        """
        child: Any = self._child(metric, labels)
        child._sum.inc(total)  # noqa: SLF001
        for bucket, count in zip(child._buckets, counts, strict=True):  # noqa: SLF001
            if count:
                bucket.inc(count)

    def observe_each(self, metric: Metric, *labels: str, values: Sequence[float]) -> None:
        """Add several observations at the price of little more than one; none of them may be NaN."""
        bounds = metric.buckets
        counts = [0] * (len(bounds) + 1)
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.observe_many(metric, *labels, counts=counts, total=sum(values))

    def child(self, metric: Metric, *labels: str) -> "Counter | Gauge | Histogram":
        """Return the instrument of one set of labels, for hot paths that keep it."""
        return self._child(metric, labels)

    def render(self) -> bytes:
        """Return all metrics of all workers in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry) if self._of_workers is None else self._of_workers.page()

    def render_openmetrics(self, exemplars: "Exemplars") -> bytes | None:
        """Return the same as OpenMetrics, which alone has a way to write exemplars; None in a process without workers' files."""
        return None if self._of_workers is None else self._of_workers.page(exemplar_of=exemplars.writer())

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> "Counter | Gauge | Histogram":
        key = (metric.name, *labels)
        child = self._children.get(key)
        if child is None:
            instrument = self._instruments[metric.name]
            child = instrument.labels(*labels) if labels else instrument
            self._children[key] = child
        return child


def _instrument(metric: Metric, registry: "CollectorRegistry") -> "Counter | Gauge | Histogram":
    from prometheus_client import Counter, Gauge, Histogram

    names = tuple(metric.labels)
    match metric.type:
        case MetricType.COUNTER:
            return Counter(metric.name, metric.help, names, registry=registry)
        case MetricType.HISTOGRAM:
            return Histogram(metric.name, metric.help, names, buckets=metric.buckets, registry=registry)
        case MetricType.GAUGE:
            mode = str(metric.merging)
            return Gauge(metric.name, metric.help, names, registry=registry, multiprocess_mode=mode)  # type: ignore[arg-type]


def _initialise(meters: Meters, metric: Metric) -> None:
    """Make the known label sets, so that a rate sees the first event as a step from 0."""
    from itertools import product

    if all(metric.labels.values()):
        for values in product(*metric.labels.values()):
            meters.child(metric, *values)
