"""Items for tests of scorers, and what the meters say after one."""

from opsctl.service.scoring.ports import ScoredItem
from opsctl.service.telemetry.meters import Meters


def item(content_id: int, **changes: object) -> ScoredItem:
    """Return an ordinary item."""
    values: dict[str, object] = {
        "title": f"Portrait studio {content_id}",
        "description": "Quiet portraits by the window, prints on paper that lasts.",
        "category": "photography",
        "region": "PT",
        "price_usd": 120.0,
        "quality": 0.7,
        "tags": ("portrait", "prints"),
    }
    return ScoredItem(content_id=content_id, **(values | changes))  # type: ignore[arg-type]


def items(*content_ids: int) -> list[ScoredItem]:
    """Return ordinary items with these ids."""
    return [item(content_id) for content_id in content_ids]


def counted(meters: Meters, name: str, **labels: str) -> float:
    """Return what a counter stands at; `name` without the prefix of all metrics."""
    return meters.registry.get_sample_value(f"ranking_{name}", labels) or 0.0


def outcomes(meters: Meters) -> dict[str, int]:
    """Return how many items came to which end, those of zero left out."""
    kinds = ("scored", "missing", "invalid", "error", "dropped")
    found = {kind: int(counted(meters, "model_items_total", outcome=kind)) for kind in kinds}
    return {kind: count for kind, count in found.items() if count}
