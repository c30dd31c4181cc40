"""Does each record follow the one before it, and does the chain end where its head says?"""

from dataclasses import dataclass

from opsctl.core.findings import Finding, Location, Severity
from opsctl.evidence.model import GENESIS, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look at the whole chain found; no finding means that nothing was changed or removed."""

    records: int
    head: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing was changed or removed; a head that lags after a crash is no break."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)


def check_link(record: Record, *, place: Location, previous: str, sequence: int) -> list[Finding]:
    """Return what is wrong with a record behind one of this hash and number."""
    findings = []
    if record.digest != record.computed_digest():
        findings.append(broken(f"record {record.id} was changed", place, evidence="its hash does not match"))
    if record.sequence != sequence + 1:
        findings.append(
            broken(f"a record before {record.id} is missing", place, evidence=f"{sequence + 1} expected")
        )
    if record.previous != previous:
        findings.append(broken(f"record {record.id} does not follow the one before it", place))
    return findings


def check_head(text: str, *, place: Location, count: int, digest: str) -> list[Finding]:
    """Return what is wrong with the text of a head above so many records, the last of this hash."""
    if not text and count > 1:
        return [broken("the head of the ledger is missing", place)]
    head_count, _, head_digest = (text.strip() or f"0 {GENESIS}").partition(" ")
    if (head_count, head_digest) == (str(count), digest):
        return []
    if head_count.isdigit() and int(head_count) == count - 1:
        # A crash between the append and the head's own write leaves exactly this; the next append mends it.
        title, severity = "the head is one record behind the ledger", Severity.WARNING
        return [Finding(code="EVD001", severity=severity, title=title, location=place)]
    return [
        broken("records are missing at the end", place, evidence=f"head says {head_count}, found {count}")
    ]


def broken(title: str, place: Location, *, evidence: str | None = None) -> Finding:
    """Return that the chain is broken at a place."""
    return Finding(
        code="EVD001",
        severity=Severity.ERROR,
        title=title,
        location=place,
        evidence=evidence,
        fix="compare with a backup of the ledger; proofs after this place count for nothing",
    )
