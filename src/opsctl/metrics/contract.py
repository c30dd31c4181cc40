"""Which series are there, with which labels: the offline truth against which every expression of a book is checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from opsctl.metrics.model import Metric, MetricType

ADDED_BY_PROMETHEUS: Mapping[str, tuple[str, ...]] = {
    "job": ("service", "vectors", "exporter", "prometheus", "alertmanager"),
    "instance": (),
}
"""Labels that every scraped series has, with the jobs of the stack; another Prometheus may have other jobs."""

_SUFFIXES = ("_bucket", "_sum", "_count")


class SeriesKind(StrEnum):
    """What may be done with a series: a counter and the series of a histogram only make sense inside `rate`."""

    COUNTER = "counter"
    GAUGE = "gauge"
    BUCKET = "bucket"
    SUM = "sum"
    COUNT = "count"
    HISTOGRAM = "histogram"
    """A native histogram, by the plain name."""

    @property
    def only_grows(self) -> bool:
        """Tell whether its plain value says nothing."""
        return self is not SeriesKind.GAUGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series name of the contract: what it is of, and its labels with the values known beforehand."""

    name: str
    metric: Metric
    kind: SeriesKind
    labels: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Every metric that may be used, by name."""

    metrics: Mapping[str, Metric]
    recordings: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def series(self, name: str) -> Series | None:
        """Return what is known of a series name; None where nobody exposes it."""
        metric = self.metrics.get(name)
        if metric is not None:
            kind = {
                MetricType.COUNTER: SeriesKind.COUNTER,
                MetricType.GAUGE: SeriesKind.GAUGE,
                MetricType.HISTOGRAM: SeriesKind.HISTOGRAM,
            }[metric.type]
            return _series(name, metric, kind)
        for suffix in _SUFFIXES:
            base = self.metrics.get(name.removesuffix(suffix)) if name.endswith(suffix) else None
            if base is not None and base.type is MetricType.HISTOGRAM:
                return _series(name, base, SeriesKind(suffix[1:]))
        if name in self.recordings:
            return _recording(name, self.recordings[name])
        return None

    def names(self) -> frozenset[str]:
        """Return every series name, for "did you mean"."""
        histograms = [metric.name for metric in self.metrics.values() if metric.type is MetricType.HISTOGRAM]
        return frozenset(
            {
                *self.metrics,
                *self.recordings,
                *(f"{name}{suffix}" for name in histograms for suffix in _SUFFIXES),
            }
        )

    def with_recordings(self, recordings: Iterable[tuple[str, Iterable[str]]]) -> "Contract":
        """Return the contract with recorded series, each with its labels."""
        known = {name: frozenset(labels) for name, labels in recordings}
        return Contract(metrics=self.metrics, recordings={**self.recordings, **known})


@cache
def full_contract() -> Contract:
    """Return the contract of service, exporter and watchers."""
    from opsctl.metrics import exporters, outside, service

    declared = (*service.ALL, *exporters.ALL, *outside.ALL)
    return Contract(metrics={metric.name: metric for metric in declared})


def _series(name: str, metric: Metric, kind: SeriesKind) -> Series:
    labels: dict[str, tuple[str, ...]] = {**metric.labels, **ADDED_BY_PROMETHEUS}
    if kind is SeriesKind.BUCKET:
        labels["le"] = ()
    return Series(name=name, metric=metric, kind=kind, labels=labels)


def _recording(name: str, labels: frozenset[str]) -> Series:
    metric = Metric(name=name, type=MetricType.GAUGE, unit="", help="", labels=dict.fromkeys(labels, ()))
    return Series(name=name, metric=metric, kind=SeriesKind.GAUGE, labels=metric.labels)
