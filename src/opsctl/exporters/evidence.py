"""How do proofs become samples: when the newest record of each subject goes stale, and how fast alerts were."""

from collections.abc import Iterable, Iterator

from opsctl.evidence.model import Record, Verdict
from opsctl.exporters.family import Value
from opsctl.metrics import exporters as metrics

_MOST_SUBJECTS = 500
_ALERT_PROOF = "alerts.prove"
_FIGURES = {"measured": "measured_seconds", "predicted": "predicted_seconds", "allowed": "allowed_seconds"}


def evidence_values(records: Iterable[Record]) -> tuple[Value, ...]:
    """Return samples of the newest record of each kind and subject; records come newest first."""
    newest: dict[tuple[str, str], Record] = {}
    for record in records:
        if len(newest) >= _MOST_SUBJECTS:
            break
        newest.setdefault((record.kind, record.subject), record)
    return tuple(value for record in newest.values() for value in _of(record))


def _of(record: Record) -> Iterator[Value]:
    expiry = record.expires_at.timestamp()
    yield Value(metrics.EVIDENCE_EXPIRY, (record.kind, record.subject, str(record.verdict)), expiry)
    if record.kind != _ALERT_PROOF or "allowed_seconds" not in record.figures:
        return
    # A proof that failed, or could not tell, is none: it is told as expired for ever.
    yield Value(
        metrics.ALERT_PROOF_EXPIRY, (record.subject,), expiry if record.verdict is Verdict.PASS else 0.0
    )
    for figure, name in _FIGURES.items():
        number = record.figures.get(name)
        if isinstance(number, int | float):
            yield Value(metrics.ALERT_DETECTION, (record.subject, figure), float(number))
