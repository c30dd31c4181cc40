"""How do alerts look in a list: who is told, how fast, and whether that was ever shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsctl.alerts.rules import AlertRule
from opsctl.core.units import format_duration
from opsctl.evidence.model import Record, Verdict
from opsctl.ui.console import hint
from opsctl.ui.table import show_table

_COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan", "none": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAlert:
    """One alert of the list; times in seconds, None where nobody knows."""

    name: str
    severity: str
    receivers: tuple[str, ...]
    for_seconds: float
    allowed_seconds: float
    predicted_seconds: float | None
    measured_seconds: float | None
    drill: str | None
    proof: str
    runbook: str


def listed(
    alerts: Sequence[AlertRule], *, proofs: Mapping[str, Record], now: datetime
) -> tuple[ListedAlert, ...]:
    """Return what the list says of each alert."""
    return tuple(_listed(alert, proofs.get(alert.name), now) for alert in alerts)


def show_alerts(rows: Sequence[ListedAlert]) -> None:
    """Print one row an alert."""
    titles = ("alert", "severity", "receivers", "for", "allowed", "predicted", "measured", "drill", "proof")
    show_table(titles, [_cells(row) for row in rows])
    if any(row.proof == "unproven" for row in rows):
        hint("`opsctl alerts prove NAME` shows that an alert fires and arrives in time")


def _listed(alert: AlertRule, proof: Record | None, now: datetime) -> ListedAlert:
    measured = proof.figures.get("measured_seconds") if proof else None
    return ListedAlert(
        name=alert.name,
        severity=str(alert.severity),
        receivers=alert.receivers,
        for_seconds=alert.for_seconds,
        allowed_seconds=alert.detect_within_seconds,
        predicted_seconds=alert.predicted_seconds,
        measured_seconds=measured,
        drill=alert.drill.fault if alert.drill else None,
        proof=_proof(proof, now),
        runbook=alert.runbook,
    )


def _proof(proof: Record | None, now: datetime) -> str:
    if proof is None:
        return "unproven"
    level = str(proof.figures.get("level", ""))
    if proof.verdict is not Verdict.PASS:
        return str(proof.verdict)
    if proof.is_stale(now):
        return "stale"
    return f"{level}, {format_duration(max(0.0, (now - proof.recorded_at).total_seconds()))} old"


def _cells(row: ListedAlert) -> tuple[str, ...]:
    from rich.markup import escape

    return (
        row.name,
        f"[{_COLOURS[row.severity]}]{row.severity}[/]",
        escape(", ".join(row.receivers)) or "-",
        _time(row.for_seconds),
        _time(row.allowed_seconds),
        _time(row.predicted_seconds),
        _time(row.measured_seconds),
        row.drill or "-",
        escape(row.proof) if row.proof != "fail" else "[red]fail[/]",
    )


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(seconds) if seconds else "0 s"
