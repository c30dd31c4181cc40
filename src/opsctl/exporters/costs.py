"""How do costs become samples: what the newest estimate says of the plan, and what the traffic of now would cost."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opsctl.evidence.model import Record
from opsctl.exporters.family import Value
from opsctl.metrics import exporters as metrics

ESTIMATE_KIND = "costs.estimate"


def cost_values(
    records: Iterable[Record], *, budget_usd: float, traffic_usd: float | None
) -> tuple[Value, ...]:
    """Return the samples; what nobody knows is left out, and of an estimate only the newest counts.

    Args:
        records: of the ledger, the newest first.
        budget_usd: dollars that a month may cost.
        traffic_usd: what a month of the traffic of now would cost; None where it cannot be told.
    """
    values = [Value(metrics.COST_BUDGET, (), budget_usd)]
    newest = next((record for record in records if record.kind == ESTIMATE_KIND), None)
    if newest is not None:
        values += _of_estimate(newest, budget_usd=budget_usd)
    if traffic_usd is not None and math.isfinite(traffic_usd):
        values += [
            Value(metrics.COST_TRAFFIC, (), traffic_usd),
            Value(metrics.COST_BUDGET_USED, ("traffic",), traffic_usd / budget_usd),
        ]
    return tuple(values)


def _of_estimate(record: Record, *, budget_usd: float) -> Iterator[Value]:
    points = _mapping(record.figures.get("points"))
    for point in metrics.COST_POINTS:
        bill = _mapping(points.get(point))
        for part in metrics.COST_PARTS:
            if (usd := _number(_mapping(bill.get("parts")).get(part))) is not None:
                yield Value(metrics.COST_MONTH_PART, (point, part), usd)
        if (usd := _number(bill.get("month_usd"))) is not None:
            yield Value(metrics.COST_MONTH, (point,), usd)
        if point == record.figures.get("binding_point") and (used := _used(bill, budget_usd)) is not None:
            yield Value(metrics.COST_BUDGET_USED, ("plan",), used)
        if (usd := _number(bill.get("per_1000_feeds_usd"))) is not None:
            yield Value(metrics.COST_THOUSAND_FEEDS, (point,), usd)
    if (share := _number(record.figures.get("reduction_share"))) is not None:
        yield Value(metrics.COST_REDUCTION, (), share)


def _used(bill: Mapping[str, Any], budget_usd: float) -> float | None:
    """Return the part of the budget that a bill uses; of one that is known in part only, where that part is too much."""
    if (usd := _number(bill.get("month_usd"))) is not None:
        return usd / budget_usd
    known = _number(bill.get("known_usd"))
    return known / budget_usd if known is not None and known >= budget_usd else None


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _number(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)
