"""Which metrics does the service expose: `docs/metrics.md`, rendered from the declarations."""

import sys
from collections.abc import Sequence

from opsctl.metrics import service as metrics
from opsctl.metrics.model import Merging, Metric, MetricType

_HEAD = """# Metrics

Rendered from `metrics/service.py` by `make docs`; `opsctl metrics list --json` prints the same as data.
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


def matching_metrics(text: str | None) -> tuple[Metric, ...]:
    """Return the metrics whose name or help holds a text, upper or lower case; all without one."""
    wanted = (text or "").lower()
    return tuple(metric for metric in metrics.ALL if wanted in f"{metric.name} {metric.help}".lower())


def labels_text(metric: Metric) -> str:
    """Return the labels with their known values, such as `tier=l1|l2 kind`."""
    return " ".join(
        f"{name}={'|'.join(values)}" if values else name for name, values in metric.labels.items()
    )


def render_reference() -> str:
    """Return the Markdown page of all metrics; a test keeps the committed one equal to it."""
    return _HEAD + "\n".join(_table(kind) for kind in MetricType)


def _table(kind: MetricType) -> str:
    chosen = [metric for metric in metrics.ALL if metric.type is kind]
    detail = {MetricType.GAUGE: "merged", MetricType.HISTOGRAM: "buckets"}.get(kind)
    titles = ["name", "unit", "labels", "help", *([detail] if detail else [])]
    rows = [titles, ["---"] * len(titles), *(_cells(metric) for metric in chosen)]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {kind.value.capitalize()}s\n\n{lines}\n"


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
