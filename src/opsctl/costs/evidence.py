"""What of an estimate goes into the ledger, and into its document: plain figures, dollars as numbers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from opsctl.costs.inputs import Input
from opsctl.costs.model import BudgetCheck, Estimate, PointBill
from opsctl.costs.words import NOT_COUNTED
from opsctl.evidence.model import Evidence, Verdict

ESTIMATE_KIND = "costs.estimate"
SUBJECT = "project"
VALID_FOR = timedelta(days=30)

_OK = {Verdict.PASS: True, Verdict.FAIL: False, Verdict.INCONCLUSIVE: None}


def estimate_evidence(
    estimate: Estimate, *, inputs: Mapping[str, str], started_at: datetime, seconds: float
) -> Evidence:
    """Return the record of an estimate.

    Args:
        estimate: what came out.
        inputs: digests of the books and of the records that it rests on.
        started_at: when it began.
        seconds: how long it took.
    """
    simulated = sorted(
        {what for each in estimate.inputs.by_quantity.values() for what in each.origin.simulated}
    )
    return Evidence(
        kind=ESTIMATE_KIND,
        subject=SUBJECT,
        verdict=estimate.verdict,
        figures=figures_of(estimate),
        inputs=dict(inputs),
        tools={},
        started_at=started_at,
        duration_seconds=round(seconds, 3),
        valid_for=VALID_FOR,
        simulated=tuple(simulated),
    )


def figures_of(estimate: Estimate) -> dict[str, Any]:
    """Return the figures: dollars are JSON numbers, worked out as decimals and rounded to a millionth; null is not known.

    `budgets` are those of the binding load; `ok` is true, false, or null where nobody can tell.
    """
    reduction = estimate.reductions[estimate.binding]
    return {
        "points": {point.value: _point(bill) for point, bill in estimate.points.items()},
        "before": {point.value: _point(bill) for point, bill in estimate.before.items()},
        "binding_point": estimate.binding.value,
        "reduction_share": _number(reduction),
        "saved_by_part": {part.value: _number(saved) for part, saved in estimate.saved_by_part.items()},
        "budgets": [_budget(check) for check in estimate.budgets if check.point is estimate.binding],
        "budgets_elsewhere": [
            {**_budget(check), "point": check.point.value}
            for check in estimate.budgets
            if check.point is not estimate.binding
        ],
        "unverified_prices": list(estimate.doubts.unverified),
        "stale_prices": list(estimate.doubts.stale),
        "stale_evidence": sorted(
            {each.origin.where for each in estimate.inputs.by_quantity.values() if each.origin.is_stale}
        ),
        "unknown_inputs": [each.value for each in estimate.points[estimate.binding].unknown],
    }


def document_of(estimate: Estimate) -> dict[str, Any]:
    """Return everything for `--json`: the figures, each bill's lines, each input with its origin, and what moves it."""
    return {
        **figures_of(estimate),
        "verdict": estimate.verdict.value,
        "lines": {
            point.value: {part.part.value: _lines(part) for part in bill.parts}
            for point, bill in estimate.points.items()
        },
        "inputs": [_input(each) for each in estimate.inputs.by_quantity.values()],
        "sensitivity": [
            {
                "name": swing.name,
                "halved_usd": _number(swing.halved_usd),
                "doubled_usd": _number(swing.doubled_usd),
                "breaks_budget": swing.breaks,
            }
            for swing in estimate.swings
        ],
        "prices_used": list(estimate.doubts.used),
        "not_counted": list(NOT_COUNTED),
    }


def _point(bill: PointBill) -> dict[str, Any]:
    return {
        "feeds": _number(bill.feeds),
        "made_ratio": _number(bill.missed),
        "month_usd": _number(bill.month_usd),
        "known_usd": _number(bill.known_usd),
        "per_user_usd": _number(bill.per_user_usd),
        "per_1000_feeds_usd": _number(bill.per_1000_feeds_usd),
        "parts": {part.part.value: _number(part.usd) for part in bill.parts},
        "not_known": {
            part.part.value: part.why or ", ".join(part.unknown) for part in bill.parts if part.usd is None
        },
    }


def _budget(check: BudgetCheck) -> dict[str, Any]:
    return {
        "name": check.name,
        "limit": _number(check.limit),
        "value": _number(check.value),
        "ok": _OK[check.verdict],
        "is_lower_bound": check.at_least,
    }


def _lines(part: Any) -> list[dict[str, Any]]:
    return [
        {
            "price": f"{part.provider}.{line.price}",
            "quantity": _number(line.quantity),
            "charged": _number(line.charged),
            "usd": _number(line.usd),
        }
        for line in part.lines
    ]


def _input(each: Input) -> dict[str, Any]:
    origin = each.origin
    return {
        "name": each.quantity.value,
        "value": None if each.value is None else float(f"{each.value:.6g}"),
        "source": origin.source.value,
        "where": origin.where,
        "recorded_at": None if origin.recorded_at is None else origin.recorded_at.isoformat(),
        "is_stale": origin.is_stale,
        "is_bad": origin.is_bad,
        "simulated": list(origin.simulated),
        "measured_by": origin.produce,
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)
