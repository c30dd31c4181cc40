"""By what are two loads compared."""

from enum import StrEnum


class Metric(StrEnum):
    """What two loads are compared by."""

    P50 = "p50"
    P95 = "p95"
    P99 = "p99"
    ERROR_RATE = "error_rate"
    HIT_RATIO = "hit_ratio"
    RATE = "rate"
