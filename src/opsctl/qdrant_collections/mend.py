"""How is a derived collection brought level with its source: by writing and deleting only what differs."""

from collections.abc import Iterator
from dataclasses import dataclass

from opsctl.core.clock import Clock
from opsctl.qdrant_collections.difference import Comparison, Differences, Sides, walk_differences
from opsctl.qdrant_collections.store import VectorStore
from opsctl.vectors.retry import retrying

_BATCH_POINTS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What was written and deleted."""

    written: int
    deleted: int


def mend(
    sides: Sides, *, store: VectorStore, clock: Clock, seen: Comparison, retry_seconds: float
) -> Iterator[Mended]:
    """Bring the target level with the source and yield what was done, page by page.

    A point that has left the source, or its filter, meanwhile is deleted rather than written.
    """
    for found in walk_differences(sides, store=store, clock=clock, seen=seen):
        yield retrying(
            lambda found=found: _mend_some(found, sides=sides, store=store),  # type: ignore[misc]
            clock=clock,
            budget_seconds=retry_seconds,
        )


def _mend_some(found: Differences, *, sides: Sides, store: VectorStore) -> Mended:
    wanted = [*found.missing, *found.changed]
    written, gone = 0, list(found.extra)
    for begin in range(0, len(wanted), _BATCH_POINTS):
        ids = wanted[begin : begin + _BATCH_POINTS]
        current = store.retrieve(sides.source, ids, with_vectors=True)
        points = [point for point in current if sides.filter.matches(point.get("payload") or {})]
        if points:
            store.upsert(sides.target, points, wait=True)
        written += len(points)
        kept = {point["id"] for point in points}
        gone += [point_id for point_id in ids if point_id not in kept]
    if gone:
        store.delete_points(sides.target, gone, wait=True)
    return Mended(written=written, deleted=len(gone))
