"""Prometheus is told when each proof goes stale; one that failed is none."""

from datetime import UTC, datetime, timedelta

import pytest

from opsctl.evidence.model import Record, Verdict
from opsctl.exporters.evidence import evidence_values
from opsctl.metrics import exporters as metrics

PROVEN_AT = datetime(2026, 11, 1, tzinfo=UTC)
EXPIRES_AT = PROVEN_AT + timedelta(days=30)


def proof(verdict: Verdict) -> Record:
    """Return the record of an alert's proof."""
    return Record(
        sequence=1,
        id="1",
        kind="alerts.prove",
        subject="high_error_rate",
        verdict=verdict,
        figures={"allowed_seconds": 60.0, "measured_seconds": 27.5},
        inputs={},
        tools={},
        git_commit=None,
        started_at=PROVEN_AT,
        duration_seconds=1.0,
        recorded_at=PROVEN_AT,
        expires_at=EXPIRES_AT,
    )


@pytest.mark.parametrize(
    ("newest", "expiry"),
    [(Verdict.PASS, EXPIRES_AT.timestamp()), (Verdict.FAIL, 0.0), (Verdict.INCONCLUSIVE, 0.0)],
)
def test_only_a_proof_that_passed_holds_for_a_while(newest: Verdict, expiry: float):
    """`proof_expired` fires for an alert whose newest proof is none, whatever was proven before."""
    values = evidence_values([proof(newest), proof(Verdict.PASS)])

    told = {value.labels: value.number for value in values if value.metric is metrics.ALERT_PROOF_EXPIRY}
    assert told == {("high_error_rate",): expiry}
