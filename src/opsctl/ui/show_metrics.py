"""How does the metric contract look: a table of the metrics that the service exposes."""

from collections.abc import Sequence

from opsctl.metrics.model import Metric
from opsctl.metrics.reference import labels_text
from opsctl.ui.console import hint
from opsctl.ui.table import show_table


def show_metrics(metrics: Sequence[Metric]) -> None:
    """Print one row a metric."""
    rows = [(each.name, each.type.value, each.unit, labels_text(each) or "-", each.help) for each in metrics]
    show_table(("name", "type", "unit", "labels", "help"), rows)
    if not rows:
        hint("no metric matches; `opsctl metrics list` shows all")
