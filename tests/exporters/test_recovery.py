"""Prometheus is told how old backups, verifications and drills are; what did not pass counts as never done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from opsctl.evidence.model import Record, Verdict
from opsctl.exporters.recovery import Archiving, recovery_values
from opsctl.metrics import exporters as metrics

MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0


def record(kind: str, subject: str = "newest", *, verdict: Verdict = Verdict.PASS, **figures: Any) -> Record:
    """Return a record of the ledger."""
    return Record(
        sequence=1,
        id="1",
        kind=kind,
        subject=subject,
        verdict=verdict,
        figures=figures,
        inputs={},
        tools={},
        git_commit=None,
        started_at=MADE_AT,
        duration_seconds=12.0,
        recorded_at=MADE_AT,
        expires_at=MADE_AT + timedelta(days=7),
    )


def told(*records: Record, archiving: Archiving | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return what Prometheus is told, by metric and labels."""
    values = recovery_values(
        records, backup_every_seconds=DAY, rpo_seconds=60, rto_seconds=900, archiving=archiving
    )
    return {(value.metric.name, value.labels): value.number for value in values}


def test_without_any_backup_one_is_overdue_since_ever():
    """An alert on the age fires; figures of what never was are left out."""
    samples = told()

    assert samples[metrics.BACKUP_DUE.name, ()] == 0
    assert samples[metrics.BACKUP_LAST_SUCCESS.name, ()] == 0
    assert samples[metrics.BACKUP_VERIFICATION_DUE.name, ()] == 0
    assert (metrics.BACKUP_VERIFIED.name, ()) not in samples


def test_the_next_backup_is_overdue_a_tenth_of_its_interval_late():
    """A backup that takes a little longer than yesterday's is not told as missing."""
    samples = told(record("dr.backup", stored_bytes=1234))

    assert samples[metrics.BACKUP_DUE.name, ()] == pytest.approx(MADE_AT.timestamp() + 1.1 * DAY)
    assert samples[metrics.BACKUP_SIZE.name, ()] == 1234
    assert samples[metrics.BACKUP_DURATION.name, ()] == 12


def test_a_backup_that_failed_does_not_count_as_one():
    """The one before it does."""
    failed = record("dr.backup", verdict=Verdict.FAIL)

    assert told(failed)[metrics.BACKUP_DUE.name, ()] == 0
    assert told(failed, record("dr.backup"))[metrics.BACKUP_DUE.name, ()] > 0


def test_a_failed_verification_is_told_beside_the_good_one_before_it():
    """One alert says that the newest is bad, another one when the good one is too old."""
    samples = told(record("dr.verify", verdict=Verdict.FAIL), record("dr.verify"))

    assert samples[metrics.BACKUP_VERIFIED.name, ()] == 0
    assert samples[metrics.BACKUP_VERIFICATION_DUE.name, ()] == (MADE_AT + timedelta(days=7)).timestamp()


def test_a_verification_that_says_nothing_against_the_backup_is_told_as_none():
    """It failed for the settings of this host: the verdict before it stands, and grows old."""
    unclear = record("dr.verify", verdict=Verdict.INCONCLUSIVE)

    assert told(unclear, record("dr.verify"))[metrics.BACKUP_VERIFIED.name, ()] == 1
    assert (metrics.BACKUP_VERIFIED.name, ()) not in told(unclear)


def test_a_drill_that_did_not_pass_is_due_at_once():
    """What it measured is told all the same."""
    samples = told(
        record("dr.drill", "both_lost", verdict=Verdict.FAIL, rpo_seconds=75.0, rto_seconds=120),
        record("dr.drill", "both_lost", rpo_seconds=1.0),
        record("dr.drill", "vectors_lost", rpo_seconds=0.0),
    )

    assert samples[metrics.DRILL_DUE.name, ("both_lost",)] == 0
    assert samples[metrics.DRILL_DUE.name, ("vectors_lost",)] > 0
    assert samples[metrics.RECOVERY_POINT.name, ("both_lost",)] == 75
    assert samples[metrics.RECOVERY_TIME.name, ("both_lost",)] == 120


def test_the_archiver_is_told_only_where_one_has_run():
    """Without one there is nothing that could be late."""
    assert (metrics.WAL_SHIPPED.name, ()) not in told()
    samples = told(archiving=Archiving(shipped_at=5.0, waiting_bytes=7))
    assert samples[metrics.WAL_SHIPPED.name, ()] == 5
    assert samples[metrics.WAL_WAITING.name, ()] == 7
