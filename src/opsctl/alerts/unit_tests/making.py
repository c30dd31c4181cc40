"""How is a case of an alert made: its steps, and what all cases have."""

import math

from opsctl.alerts.rules import AlertRule
from opsctl.alerts.unit_tests.model import Case, CaseKind, InputSeries, Moment
from opsctl.alerts.unit_tests.shapes import Shape

_MOST_STEPS = 240
"""Of a window: more would make promtool slow and show nothing new."""
MARGIN_STEPS = 3
"""Steps that are left for the two samples of a rate and for its extrapolation."""


def case_of(
    alert: AlertRule,
    kind: CaseKind,
    series: list[InputSeries],
    moments: list[Moment],
    *,
    step: float,
    shape: Shape | None = None,
) -> Case:
    """Return a case; what its alert says besides its own labels is known by the shape of its series."""
    kept = shape.kept if shape is not None else {}
    return Case(
        alert=alert.name, kind=kind, series=series, moments=moments, kept_labels=kept, step_seconds=step
    )


def step_of(seconds: float, every: float) -> float:
    """Return a step, whole evaluations, of which a window holds at most 240."""
    return every * max(1, math.ceil(seconds / (every * _MOST_STEPS)))
