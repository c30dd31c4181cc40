"""What is recorded as proof that a derived collection was rebuilt, verified, swapped back, led again or found drifted?"""

from datetime import datetime
from typing import Any

from opsctl import __version__
from opsctl.evidence.model import Evidence, Verdict
from opsctl.qdrant_collections.drift import DriftReport
from opsctl.qdrant_collections.realias import Realias
from opsctl.qdrant_collections.rebuild import RebuildReport
from opsctl.qdrant_collections.rollback import RollbackPlan
from opsctl.qdrant_collections.verify import Verification


def rebuild_evidence(
    report: RebuildReport, *, started_at: datetime, duration_seconds: float, server: str
) -> Evidence:
    """Return the proof of a rebuild: the figures of every step, and digests of the book entry and the points."""
    figures: dict[str, Any] = {
        "outcome": str(report.outcome),
        "generation": report.generation,
        "resumed": report.resumed,
        "live_before": report.live_before,
    }
    for step, values in report.figures.items():
        figures |= {f"{step}.{name}": value for name, value in values.items()}
    if report.verification is not None:
        figures |= {f"check.{check.name}": check.evidence for check in report.verification.checks}
    return Evidence(
        kind="collections.rebuild",
        subject=report.alias,
        verdict=Verdict.PASS if report.ok else Verdict.FAIL,
        figures=figures,
        inputs=report.inputs,
        tools=_tools(server),
        started_at=started_at,
        duration_seconds=duration_seconds,
    )


def verify_evidence(
    alias: str, report: Verification, *, started_at: datetime, duration_seconds: float, server: str
) -> Evidence:
    """Return the proof of a verification of what serves."""
    checks = {f"check.{check.name}": check.evidence for check in report.checks}
    return Evidence(
        kind="collections.verify",
        subject=alias,
        verdict=Verdict.PASS if report.ok else Verdict.FAIL,
        figures=report.figures() | checks | {"generation": report.target},
        inputs={"source_points": report.comparison.source.hex},
        tools=_tools(server),
        started_at=started_at,
        duration_seconds=duration_seconds,
    )


def rollback_evidence(
    plan: RollbackPlan, *, started_at: datetime, duration_seconds: float, server: str
) -> Evidence:
    """Return the proof of a rollback."""
    return Evidence(
        kind="collections.rollback",
        subject=plan.alias,
        verdict=Verdict.PASS,
        figures={"from": plan.live, "to": plan.target, "points": plan.target_points},
        inputs={},
        tools=_tools(server),
        started_at=started_at,
        duration_seconds=duration_seconds,
    )


def realias_evidence(
    report: Realias, *, started_at: datetime, duration_seconds: float, server: str
) -> Evidence:
    """Return the proof that an alias that led to nothing leads to a generation again."""
    return Evidence(
        kind="collections.realias",
        subject=report.alias,
        verdict=Verdict.PASS,
        figures={"from": "nothing", "to": report.collection, "points": report.points},
        inputs={},
        tools=_tools(server),
        started_at=started_at,
        duration_seconds=duration_seconds,
    )


def drift_evidence(
    report: DriftReport, *, started_at: datetime, duration_seconds: float, server: str
) -> Evidence:
    """Return the proof that the live generation is level with its source, or is not."""
    names = ("live", "missing", "changed", "extra", "repaired", "written", "deleted", "source_points")
    return Evidence(
        kind="collections.drift",
        subject=report.alias,
        verdict=Verdict.PASS if report.ok else Verdict.FAIL,
        figures={name: getattr(report, name) for name in names},
        inputs={"source_points": report.source_digest, "live_points": report.live_digest},
        tools=_tools(server),
        started_at=started_at,
        duration_seconds=duration_seconds,
    )


def _tools(server: str) -> dict[str, str]:
    return {"opsctl": __version__, "qdrant": server}
