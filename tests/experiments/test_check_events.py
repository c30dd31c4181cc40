"""A book that counts what nobody writes is told so, with where it is, before readers are spent on it."""

from typing import Any

import pytest
from tests.experiments.books import SMALL, book

from opsctl.core.findings import Severity
from opsctl.experiments.check_events import unwritten, unwritten_events

WRITTEN = ("view", "click", "save")
SIMULATED = ("click", "session")


def counting(*events: str, **changes: Any) -> dict[str, Any]:
    """Return metrics of which the first counts these events."""
    first = {**SMALL["metrics"]["engaged"], "events": list(events)} | changes
    return {"engaged": first, "returned": SMALL["metrics"]["returned"]}


@pytest.mark.parametrize(
    ("events", "simulation", "severity"),
    [
        (("click", "save"), None, None),
        (("sesion",), None, Severity.WARNING),
        (("click", "session"), None, Severity.WARNING),
        (("session",), {"users": 100}, Severity.INFO),
        (("sesion",), {"users": 100}, Severity.WARNING),
    ],
)
def test_events_that_the_service_does_not_write_are_told(
    events: tuple[str, ...], simulation: dict[str, Any] | None, severity: Severity | None
) -> None:
    """Those that the simulator writes for information only, where the book is simulated first."""
    experiment = book(metrics=counting(*events), simulation=simulation)

    found = list(unwritten_events(experiment, written=WRITTEN, simulated=SIMULATED))

    assert [(each.code, each.severity, each.path) for each in found] == (
        []
        if severity is None
        else [
            (
                "EXP038",
                severity,
                ("simulation",) if severity is Severity.INFO else ("metrics", "engaged", "events"),
            )
        ]
    )


def test_a_misspelt_event_is_told_with_the_one_that_was_meant() -> None:
    """It alone, beside right ones."""
    (found,) = unwritten_events(book(metrics=counting("save", "clic")), written=WRITTEN)

    assert found.title == "`engaged` counts `clic`, which the service does not write"
    assert found.fix.startswith("did you mean `click`?")


def test_what_only_the_simulator_writes_is_told_once_for_all_metrics() -> None:
    """And apart from what nobody writes at all."""
    metrics = {"engaged": counting("session")["engaged"], "other": counting("session", "sesion")["engaged"]}

    found = list(
        unwritten_events(
            book(metrics=metrics, simulation={"users": 100}), written=WRITTEN, simulated=SIMULATED
        )
    )

    assert [each.title for each in found] == [
        "`other` counts `sesion`, which neither the service nor the simulator writes",
        "only the simulator writes `session`",
    ]


def test_what_a_ratio_divides_by_is_looked_at_too() -> None:
    """A ratio to feeds that nobody counts says nothing either."""
    metrics = counting("click", kind="ratio", per=["feed"], mde="5%", baseline=None)

    assert unwritten(book(metrics=metrics), written=WRITTEN) == {"engaged": ("feed",)}
