"""For which Prometheus are rules rendered: its version, and how histograms are stored there."""

from dataclasses import dataclass
from enum import StrEnum


class PrometheusVersion(StrEnum):
    """Prometheus 2.42 is Debian's; 3 writes `le="1"` as `le="1.0"` and has more functions."""

    V2 = "2.42"
    V3 = "3"


class Histograms(StrEnum):
    """Classic ones have series `_bucket` with a label `le`; native ones (NHCB) are one series."""

    CLASSIC = "classic"
    NATIVE = "native"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The Prometheus that reads the rules; native histograms need version 3."""

    version: PrometheusVersion = PrometheusVersion.V2
    histograms: Histograms = Histograms.CLASSIC
