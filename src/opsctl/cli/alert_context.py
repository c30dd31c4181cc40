"""What do checks of alert books look at besides the books: runbooks, dashboards, faults and proofs of the project."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import OpsError

if TYPE_CHECKING:
    from opsctl.alerts.lint.registry import AlertProof, LintContext
    from opsctl.alerts.load import AlertBooks
    from opsctl.alerts.rules import RuleSet
    from opsctl.alerts.target import Target
    from opsctl.evidence.model import Record

_HEADING = re.compile(r"^#{1,6} +(?P<text>.+?)\s*#*$", re.MULTILINE)


def lint_context(books: "AlertBooks", rules: "RuleSet", *, target: "Target") -> "LintContext":
    """Return everything that the checks may look at."""
    from opsctl.alerts.lint.registry import LintContext
    from opsctl.alerts.proving.evidence import rule_digest
    from opsctl.chaos.registry import all_faults
    from opsctl.cli import wiring
    from opsctl.core.units import parse_duration
    from opsctl.metrics.contract import full_contract
    from opsctl.stack.prometheus import KEPT_FOR

    recorded = ((each.name, each.labels) for each in rules.recordings)
    return LintContext(
        books=books,
        rules=rules,
        contract=full_contract().with_recordings(recorded),
        target=target,
        runbooks=runbook_headings(),
        panels=panel_keys(),
        faults=frozenset(all_faults()),
        proofs=alert_proofs(),
        digests={alert.name: rule_digest(alert, rules) for alert in rules.alerts},
        kept_seconds=parse_duration(KEPT_FOR),
        now=wiring.clock().now(),
    )


def runbook_headings() -> Mapping[str, tuple[str, ...]] | None:
    """Return the headings of each runbook; None where there is no folder of them."""
    texts = runbook_texts()
    if texts is None:
        return None
    return {path.name: tuple(_HEADING.findall(text)) for path, text in texts.items()}


def runbook_texts() -> Mapping[Path, str] | None:
    """Return the text of each runbook by its path; None where there is no folder of them."""
    from opsctl.clients.files import read_text
    from opsctl.config.folder import books_in
    from opsctl.config.marks import MOST_BYTES

    found = books_in(runbooks_folder(), suffix=".md")
    if not found.is_there:
        return None
    return {path: read_text(path, most_bytes=MOST_BYTES) for path in found.books}


def runbooks_folder() -> Path:
    """Return where the project's runbooks are."""
    from opsctl.cli import wiring

    settings = wiring.settings()
    return settings.root / settings.project.books.runbooks


def panel_keys() -> Mapping[str, frozenset[str]] | None:
    """Return the panels of each dashboard; None where the project has no dashboards."""
    from opsctl.cli import dashboarding

    if not dashboarding.has_books():
        return None
    return {
        each.name: frozenset(key for panels in each.book.rows.values() for key in panels)
        for each in dashboarding.books()
    }


def alert_proofs() -> "Mapping[str, AlertProof]":
    """Return what the newest proof of each alert says."""
    from opsctl.alerts.lint.registry import AlertProof
    from opsctl.evidence.model import Verdict

    return {
        name: AlertProof(
            passed=record.verdict is Verdict.PASS,
            level=str(record.figures.get("level", "")),
            expires_at=record.expires_at,
            rule_digest=record.inputs.get("rule", ""),
        )
        for name, record in proof_records().items()
    }


def proof_records() -> "Mapping[str, Record]":
    """Return the newest proof of each alert in the ledger; none where the ledger cannot be read, which is told."""
    from opsctl.alerts.proving.model import EVIDENCE_KIND
    from opsctl.cli import wiring
    from opsctl.cli.ledger_health import tell_if_damaged

    tell_if_damaged()
    try:
        records = wiring.ledger().records(kind=EVIDENCE_KIND)
    except OpsError:
        return {}
    newest: dict[str, Record] = {}
    for record in records:
        newest.setdefault(record.subject, record)
    return newest
