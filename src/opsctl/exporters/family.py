"""What does an exporter tell: families of values, each worked out at its own pace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from opsctl.metrics.model import Metric


class Value(NamedTuple):
    """One sample: a metric, the values of its labels in the order of their declaration, and the number."""

    metric: Metric
    labels: tuple[str, ...]
    number: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Figures that come from one place.

    Args:
        name: such as `business`.
        every_seconds: how often they are worked out.
        read: works them out; may take seconds, and may fail.
    """

    name: str
    every_seconds: float
    read: Callable[[], Sequence[Value]]

    @property
    def stale_after_seconds(self) -> float:
        """Return after which time figures that could not be renewed are no longer told."""
        return self.every_seconds * 5
