"""How do backups, verifications and drills become samples: what the ledger says of them, and when each is due again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from opsctl.evidence.model import Record, Verdict
from opsctl.exporters.family import Value
from opsctl.metrics import exporters as metrics
from opsctl.metrics.model import Metric

_BACKUP, _VERIFY, _DRILL = "dr.backup", "dr.verify", "dr.drill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """What the archiver of the WAL last noted of itself."""

    shipped_at: float
    waiting_bytes: int


@dataclass(slots=True)
class _Newest:
    backup: Record | None = None
    verification: Record | None = None
    good_verification: Record | None = None
    drills: dict[str, Record] = field(default_factory=dict)


def recovery_values(
    records: Iterable[Record],
    *,
    backup_every_seconds: float,
    rpo_seconds: float,
    rto_seconds: float,
    archiving: Archiving | None,
) -> tuple[Value, ...]:
    """Return the samples; records come newest first."""
    newest = _newest(records)
    values = [*_of_backup(newest.backup, every_seconds=backup_every_seconds), *_of_verification(newest)]
    for scenario, record in sorted(newest.drills.items()):
        values += _of_drill(scenario, record)
    values += [
        Value(metrics.RECOVERY_OBJECTIVE, ("rpo",), rpo_seconds),
        Value(metrics.RECOVERY_OBJECTIVE, ("rto",), rto_seconds),
    ]
    if archiving is not None:
        values += [
            Value(metrics.WAL_SHIPPED, (), archiving.shipped_at),
            Value(metrics.WAL_WAITING, (), float(archiving.waiting_bytes)),
        ]
    return tuple(values)


def _newest(records: Iterable[Record]) -> _Newest:
    newest = _Newest()
    for record in records:
        if record.kind == _BACKUP and record.verdict is Verdict.PASS:
            newest.backup = newest.backup or record
        elif record.kind == _VERIFY:
            if record.verdict is not Verdict.INCONCLUSIVE:  # such a one says nothing against the backup
                newest.verification = newest.verification or record
            if record.verdict is Verdict.PASS:
                newest.good_verification = newest.good_verification or record
        elif record.kind == _DRILL:
            newest.drills.setdefault(record.subject, record)
    return newest


def _of_backup(record: Record | None, *, every_seconds: float) -> Iterator[Value]:
    made = record.recorded_at.timestamp() if record is not None else 0.0
    yield Value(metrics.BACKUP_LAST_SUCCESS, (), made)
    yield Value(metrics.BACKUP_DUE, (), made + 1.1 * every_seconds if record is not None else 0.0)
    if record is not None:
        yield Value(metrics.BACKUP_DURATION, (), record.duration_seconds)
        yield from _figure(record, "stored_bytes", metrics.BACKUP_SIZE)


def _of_verification(newest: _Newest) -> Iterator[Value]:
    if newest.verification is not None:
        is_good = newest.verification.verdict is Verdict.PASS
        yield Value(metrics.BACKUP_VERIFIED, (), float(is_good))
    good = newest.good_verification
    yield Value(metrics.BACKUP_VERIFICATION_DUE, (), good.expires_at.timestamp() if good is not None else 0.0)


def _of_drill(scenario: str, record: Record) -> Iterator[Value]:
    # A drill that failed, or could not tell, is none: it is due at once.
    is_good = record.verdict is Verdict.PASS
    yield Value(metrics.DRILL_DUE, (scenario,), record.expires_at.timestamp() if is_good else 0.0)
    yield from _figure(record, "rpo_seconds", metrics.RECOVERY_POINT, scenario)
    yield from _figure(record, "rto_seconds", metrics.RECOVERY_TIME, scenario)


def _figure(record: Record, name: str, metric: Metric, *labels: str) -> Iterator[Value]:
    number = record.figures.get(name)
    if isinstance(number, int | float) and not isinstance(number, bool):
        yield Value(metric, labels, float(number))
