"""Which drills are there, what came of them, and what may they burn: books, ledger, budget."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opsctl.chaos.budget import BudgetLedger
    from opsctl.chaos.load_drills import NamedDrill
    from opsctl.chaos.verdict import Outcome
    from opsctl.core.events import Listener
    from opsctl.evidence.model import Record

MINUTES_A_MONTH = 30 * 24 * 60.0
"""What may be burned in a month, in minutes of the service level: each minute has its share of failures."""


def drills(names: Collection[str], *, tags: Collection[str] = ()) -> "tuple[NamedDrill, ...]":
    """Return the drills of the project, or the shipped ones where it has none.

    Raises:
        UsageError: CHA010 a book is wrong, CHA016 there is no such drill, CFG008 where they should be is no folder.
    """
    from opsctl import assets
    from opsctl.chaos.load_drills import chosen, load_drills
    from opsctl.cli import wiring
    from opsctl.config.load import is_missing

    settings = wiring.settings()
    folder = settings.root / settings.project.books.drills
    return chosen(load_drills(assets.drills() if is_missing(folder) else folder), names=names, tags=tags)


def last_outcomes() -> "Mapping[str, Record]":
    """Return the newest evidence of each drill, by name."""
    from opsctl.chaos.evidence import EVIDENCE_KIND
    from opsctl.cli import wiring

    newest_first = wiring.ledger().records(kind=EVIDENCE_KIND)
    return {record.subject: record for record in reversed(newest_first)}


def outcomes_of(proofs: "Mapping[str, Record]") -> "dict[str, Outcome]":
    """Return what each drill came to when it was last held."""
    from opsctl.chaos.verdict import Outcome

    known = {str(each) for each in Outcome}
    return {
        name: Outcome(record.figures["outcome"])
        for name, record in proofs.items()
        if record.figures.get("outcome") in known
    }


def listed(drills: "Sequence[NamedDrill]", proofs: "Mapping[str, Record]") -> list[dict[str, Any]]:
    """Return drills as values for a document."""
    from opsctl.chaos.plan import forecast_minutes, least_seconds, most_seconds

    return [
        {
            "name": each.name,
            "title": each.drill.title,
            "tags": each.drill.tags,
            "catalogue": each.drill.catalogue,
            "faults": [part.fault for part in each.drill.parts],
            "least_seconds": least_seconds(each.drill),
            "most_seconds": most_seconds(each.drill),
            "forecast_minutes": forecast_minutes(each.drill),
            "last_verdict": proofs[each.name].verdict if each.name in proofs else None,
        }
        for each in drills
    ]


def budget_ledger(listener: "Listener") -> "BudgetLedger":
    """Return the ledger of what drills burned."""
    from opsctl.chaos.budget import BudgetLedger
    from opsctl.cli import wiring

    path = wiring.settings().home / "chaos" / "budget.jsonl"
    return BudgetLedger(path, clock=wiring.clock(), minutes_a_month=MINUTES_A_MONTH, listener=listener)


def require_alerts(drills: "Sequence[NamedDrill]") -> None:
    """Refuse drills that wait for an alert which no rule of the project raises.

    Raises:
        UsageError: CHA010 with one finding for each such name.
    """
    from opsctl.chaos.check_drills import unknown_alerts
    from opsctl.cli import watching, wiring
    from opsctl.core.errors import UsageError

    settings = wiring.settings()
    if not (settings.root / settings.project.books.alerts).exists():
        return  # a run says so itself
    _, rules = watching.load_rules()
    known = {rule.name for rule in rules.alerts}
    findings = [
        finding
        for each in drills
        for finding in unknown_alerts(each.drill, name=each.name, file=each.file, known=known)
    ]
    if findings:
        raise UsageError(
            "a drill waits for an alert that does not exist",
            code="CHA010",
            findings=findings,
            fix="mend the drills and run the same command again; nothing was changed",
        )
