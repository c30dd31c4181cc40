"""Which metrics does the service expose: `docs/metrics.md`, rendered from the declarations."""

import sys
from collections.abc import Sequence
from enum import StrEnum

from opsctl.core.markdown_table import markdown_table
from opsctl.metrics import exporters, outside
from opsctl.metrics import service as metrics
from opsctl.metrics.model import Merging, Metric, MetricType

_HEAD = """# Metrics

Rendered from `metrics/` by `make docs`; `opsctl metrics list --json` prints the same as data.
The service answers `GET /metrics` in Prometheus' text format, with the figures of all workers merged: counters and
histograms add up, those of workers that ended included; a gauge says below how it is merged, of live workers only.
Histograms have the series `_bucket`, `_count` and `_sum`. Labels never hold the id of a user or an item.

"""
_MERGED = {
    Merging.SUM: "sum of the workers",
    Merging.MAXIMUM: "largest of the workers",
    Merging.MINIMUM: "least of the workers",
    Merging.NEWEST: "what a worker set last",
}

_EXPORTER = """## The exporter's

What no worker counts is told by `opsctl metrics export`, a part of the stack with `opsctl stack up --watch`: readers from
the database and costs (each minute), running experiments (each two minutes), vectors (each five minutes), proofs and backups (each
15 s). All are gauges. What could not be renewed for five times its pace is no longer told; a figure for which there is nothing to count is left out.

"""
_OUTSIDE = """## Those of others

What Prometheus, Alertmanager and the vector node expose, as far as alert books and dashboards may use it.

"""


class Source(StrEnum):
    """Who exposes a metric."""

    SERVICE = "service"
    EXPORTER = "exporter"
    OUTSIDE = "outside"


_OF_SOURCE = {Source.SERVICE: metrics.ALL, Source.EXPORTER: exporters.ALL, Source.OUTSIDE: outside.ALL}


def matching_metrics(text: str | None, *, source: Source = Source.SERVICE) -> tuple[Metric, ...]:
    """Return the metrics whose name or help holds a text, upper or lower case; all without one."""
    wanted = (text or "").lower()
    return tuple(metric for metric in _OF_SOURCE[source] if wanted in f"{metric.name} {metric.help}".lower())


def labels_text(metric: Metric) -> str:
    """Return the labels with their known values, such as `tier=l1|l2 kind`."""
    return " ".join(
        f"{name}={'|'.join(values)}" if values else name for name, values in metric.labels.items()
    )


def render_reference() -> str:
    """Return the Markdown page of all metrics; a test keeps the committed one equal to it."""
    own = "\n".join(_table(kind) for kind in MetricType)
    told = _rows(["name", "unit", "labels", "help"], [_cells(metric)[:4] for metric in exporters.ALL])
    others = _rows(["name", "type", "labels", "help"], [_foreign(metric) for metric in outside.ALL])
    return f"{_HEAD}{own}\n{_EXPORTER}{told}\n{_OUTSIDE}{others}"


def _table(kind: MetricType) -> str:
    chosen = [metric for metric in metrics.ALL if metric.type is kind]
    detail = {MetricType.GAUGE: "merged", MetricType.HISTOGRAM: "buckets"}.get(kind)
    titles = ["name", "unit", "labels", "help", *([detail] if detail else [])]
    return f"## {kind.value.capitalize()}s\n\n{_rows(titles, [_cells(metric) for metric in chosen])}"


def _rows(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(titles, rows) + "\n"


def _foreign(metric: Metric) -> Sequence[str]:
    labels = " ".join(f"`{name}`" for name in metric.labels)
    return [f"`{metric.name}`", metric.type.value, labels, metric.help]


def _cells(metric: Metric) -> Sequence[str]:
    labels = "<br>".join(f"`{name}`{_values(values)}" for name, values in metric.labels.items())
    cells = [f"`{metric.name}`", metric.unit, labels, metric.help]
    if metric.merging is not None:
        cells.append(_MERGED[metric.merging])
    if metric.type is MetricType.HISTOGRAM:
        cells.append(" ".join(f"{bound:g}" for bound in metric.buckets))
    return cells


def _values(values: Sequence[str]) -> str:
    return f": {', '.join(values)}" if values else ""


if __name__ == "__main__":
    sys.stdout.write(render_reference())
