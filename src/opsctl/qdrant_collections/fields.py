"""Does any point have the fields that the filter asks for, and if not, which one was meant?"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from opsctl.clients.qdrant_values import CollectionState
from opsctl.core.errors import RefusedError
from opsctl.core.findings import Finding, Severity
from opsctl.qdrant_collections.store import VectorStore
from opsctl.vectors.filters import FilterSpec

_SAMPLED_POINTS = 100


def check_fields(spec: FilterSpec, *, source: CollectionState, store: VectorStore) -> None:
    """Refuse a filter on fields that no point has, all of them at once, with what was likely meant."""
    if source.points_count == 0:
        return
    unknown = [field for field in spec.fields() if not _has_points(field, source=source, store=store)]
    if not unknown:
        return
    known = seen_fields(source, store=store)
    raise RefusedError(
        f"no point of `{source.name}` has " + " or ".join(f"`{field}`" for field in unknown),
        code="COL016",
        why="the derived collection would be empty; a typing error looks the same",
        fix="correct the filter in the book",
        findings=[_finding(field, known=known) for field in unknown],
    )


def seen_fields(source: CollectionState, *, store: VectorStore) -> list[str]:
    """Return the fields of the payload schema and of some points, by dotted name."""
    seen = set(source.payload_schema)
    for point in store.sample(source.name, limit=_SAMPLED_POINTS, with_payload=True):
        seen.update(_dotted(point.get("payload") or {}))
    return sorted(seen)


def _has_points(field: str, *, source: CollectionState, store: VectorStore) -> bool:
    if source.payload_schema.get(field, {}).get("points", 0) > 0:
        return True
    return store.count(source.name, filter={"must_not": [{"is_empty": {"key": field}}]}) > 0


def _dotted(payload: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in payload.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")


def _finding(field: str, *, known: list[str]) -> Finding:
    close = difflib.get_close_matches(field, known, n=1)
    fix = f"did you mean `{close[0]}`?" if close else f"fields seen: {', '.join(known) or 'none'}"
    return Finding(code="COL016", severity=Severity.ERROR, title=f"no point has the field `{field}`", fix=fix)
