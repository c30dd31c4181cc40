"""Looks at a service, for tests that change one thing of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from opsctl.status.figures import Signals
from opsctl.status.look import Look, SeenAlert, SeenEvidence, SeenPart

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def signals(**changes: Any) -> Signals:
    """Return figures of a service that is well."""
    known: dict[str, Any] = {
        "seconds": 2.0,
        "rate": 1234.5,
        "error_ratio": 0.0,
        "latency_seconds": {0.5: 0.0002, 0.99: 0.0098, 0.999: 0.025},
        "generation_seconds": 0.0245,
        "hit_ratio": {"l1": 0.93, "l2": 1.0},
        "tiers": {"multi_agent": 0.97, "simple": 0.0, "trending": 0.03},
        "in_flight": 3.0,
        "pool_busy": 1.0,
        "pool_idle": 4.0,
        "pool_waiting": 0.0,
        "workers": 2.0,
        "worker_use": 0.314,
        "loop_lag_seconds": 0.0024,
        "outbox_lag": 12.0,
        "dependencies": {"vectors": True, "database": True, "l2": True},
        "breakers": {"l2": False},
    }
    return Signals(**(known | changes))


def alert(
    name: str, *, severity: str = "warning", state: str = "firing", is_muted: bool = False
) -> SeenAlert:
    """Return an alert."""
    summary = f"Something is wrong with what {name} looks at."
    return SeenAlert(name=name, state=state, severity=severity, summary=summary, is_muted=is_muted)


def part(name: str, *, status: str = "running", is_ready: bool = True) -> SeenPart:
    """Return a part of the stack."""
    return SeenPart(name=name, status=status, is_ready=is_ready)


WELL = Look(
    at=NOW,
    service="http://127.0.0.1:8000",
    signals=signals(),
    alerts=[alert("Watchdog", severity="none")],
    parts=[
        part("postgres"),
        part("vectors"),
        part("pooler", status="stopped", is_ready=False),
        part("service"),
    ],
    evidence=SeenEvidence(
        kind="alerts.prove",
        subject="high_error_rate",
        verdict="pass",
        recorded_at=NOW - timedelta(minutes=3),
        is_stale=False,
    ),
)
