"""A metric that nobody reads costs every scrape something: each declared one stands in a panel or in a rule."""

import re
from pathlib import Path

import pytest

from opsctl.metrics import exporters, service
from opsctl.metrics.model import Metric

_ROOT = Path(__file__).parents[2]
_READ = frozenset(
    word
    for folder in ("alerts", "dashboards")
    for path in (_ROOT / folder).glob("*.yaml")
    for word in re.findall(r"[a-z][a-z0-9_]+", path.read_text(encoding="utf-8"))
)


@pytest.mark.parametrize("metric", [*service.ALL, *exporters.ALL], ids=lambda metric: metric.name)
def test_a_declared_metric_is_read(metric: Metric) -> None:
    """By its name, or as the buckets, sum or count of a histogram."""
    assert _READ & {metric.name, *(f"{metric.name}_{part}" for part in ("bucket", "sum", "count"))}
