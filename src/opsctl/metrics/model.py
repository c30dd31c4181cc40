"""What is one metric of the contract: name, type, unit, labels with their known values, buckets, help."""

from dataclasses import dataclass
from enum import StrEnum


class MetricType(StrEnum):
    """The types of Prometheus that are used here."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merging(StrEnum):
    """How a gauge of several workers becomes one number."""

    SUM = "livesum"
    MAXIMUM = "livemax"
    MINIMUM = "livemin"
    NEWEST = "livemostrecent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One declaration; everything else (registry, docs, contract, panels, alerts) reads it.

    Args:
        name: with prefix, base unit and, for counters, `_total`.
        labels: by label, the values known beforehand, which are initialised to 0; empty where they come from a
            book (agents, arms, kinds) or are bounded otherwise. Never an id of a user or an item.
        buckets: upper bounds of a histogram, without infinity.
        merging: of a gauge only.
    """

    name: str
    type: MetricType
    unit: str
    help: str
    labels: dict[str, tuple[str, ...]]
    buckets: tuple[float, ...] = ()
    merging: Merging | None = None
