"""What does telling cost: with `RANKING_SERVICE_INSTRUMENTATION=off` a service has no metrics, lines and exemplars.

That is for `tests/benchmarks/telemetry_cost.py` alone, which compares the two; nobody should run a service like that.
What clients see stays, such as request ids and `Server-Timing`.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from opsctl.metrics.model import Metric
from opsctl.service.telemetry.meters import Meters

INSTRUMENTATION_VARIABLE = "RANKING_SERVICE_INSTRUMENTATION"


def is_silenced(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this process is to tell nothing of itself."""
    return environment.get(INSTRUMENTATION_VARIABLE) == "off"


class SilentMeters(Meters):
    """Meters that count nothing, at the price of a call."""

    def __init__(self) -> None:
        """Make no instruments."""

    def count(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """Do nothing."""

    def set(self, metric: Metric, *labels: str, to: float) -> None:
        """Do nothing."""

    def add(self, metric: Metric, *labels: str, by: float) -> None:
        """Do nothing."""

    def observe(self, metric: Metric, *labels: str, value: float) -> None:
        """Do nothing."""

    def observe_many(self, metric: Metric, *labels: str, counts: Sequence[int], total: float) -> None:
        """Do nothing."""

    def observe_each(self, metric: Metric, *labels: str, values: Sequence[float]) -> None:
        """Do nothing."""

    def child(self, metric: Metric, *labels: str) -> Any:  # noqa: ARG002 - as declared there
        """Return an instrument that counts nothing."""
        return _Nothing()

    def render(self) -> bytes:
        """Return an empty page."""
        return b""


class _Nothing:
    def inc(self, amount: float = 1.0) -> None:
        """Do nothing."""

    def dec(self, amount: float = 1.0) -> None:
        """Do nothing."""

    def set(self, value: float) -> None:
        """Do nothing."""

    def observe(self, amount: float) -> None:
        """Do nothing."""
