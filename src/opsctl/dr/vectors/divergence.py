"""In which points do the truth and the collection differ: two streams in the order of ids, side by side.

A point is right where it holds the item's last change (`sequence`) and that change's time (`updated_at`). The sequence
alone does not tell: after a recovery to an earlier point the database hands out numbers again that changes of a lost
future had, and these are still in the collection. For the same reason no watermark can say that both are level.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opsctl.clients.qdrant_values import Point, PointId
from opsctl.core.clock import Clock
from opsctl.core.events import Listener
from opsctl.dr.vectors.ports import ReadableStore
from opsctl.dr.vectors.scan import order_of, pages
from opsctl.dr.vectors.telling import Advance, told
from opsctl.dr.vectors.truth import TrueItem, true_items

if TYPE_CHECKING:
    import psycopg

_IDS_TOLD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """How the collection differs from the truth, with the first few ids of each kind.

    Args:
        collection: its name.
        items: how many points it should hold.
        points: how many it holds.
        missing: items without a point.
        stale: points that hold another state of the item.
        extra: points without an item, such as from after the point in time that the truth went back to.
        first_missing: their first ids.
        first_stale: their first ids.
        first_extra: their first ids.
    """

    collection: str
    items: int
    points: int
    missing: int
    stale: int
    extra: int
    first_missing: tuple[int, ...] = ()
    first_stale: tuple[int, ...] = ()
    first_extra: tuple[PointId, ...] = ()

    @property
    def count(self) -> int:
        """Return how many points differ."""
        return self.missing + self.stale + self.extra

    @property
    def is_zero(self) -> bool:
        """Tell whether the collection holds the truth, all of it and nothing else."""
        return self.count == 0


@dataclass(slots=True)
class Differing:
    """One thing that differs: exactly one of the three is there."""

    missing: TrueItem | None = None
    stale: TrueItem | None = None
    extra: PointId | None = None


@dataclass(slots=True)
class Tally:
    """What a walk has seen so far; whole when it has ended."""

    items: int = 0
    points: int = 0
    missing: int = 0
    stale: int = 0
    extra: int = 0
    first_missing: list[int] = field(default_factory=list)
    first_stale: list[int] = field(default_factory=list)
    first_extra: list[PointId] = field(default_factory=list)

    def add(self, differing: Differing) -> None:
        """Count one."""
        if differing.missing is not None:
            self.missing += 1
            _keep(self.first_missing, differing.missing.id)
        if differing.stale is not None:
            self.stale += 1
            _keep(self.first_stale, differing.stale.id)
        if differing.extra is not None:
            self.extra += 1
            _keep(self.first_extra, differing.extra)

    def divergence(self, collection: str) -> Divergence:
        """Return the result."""
        return Divergence(
            collection=collection,
            items=self.items,
            points=self.points,
            missing=self.missing,
            stale=self.stale,
            extra=self.extra,
            first_missing=tuple(self.first_missing),
            first_stale=tuple(self.first_stale),
            first_extra=tuple(self.first_extra),
        )


def find_divergence(
    collection: str,
    *,
    connection: "psycopg.Connection[Any]",
    store: ReadableStore,
    clock: Clock,
    listener: Listener,
) -> Divergence:
    """Compare the whole collection with the whole truth; memory holds a page of each."""
    seen = Tally()
    total = store.collection(collection).points_count
    with told("compare", subject=collection, listener=listener, clock=clock, total=total) as advance:
        for _ in walk(collection, connection=connection, store=store, seen=seen, advance=advance):
            pass
    return seen.divergence(collection)


def walk(
    collection: str,
    *,
    connection: "psycopg.Connection[Any]",
    store: ReadableStore,
    seen: Tally,
    advance: Advance,
) -> Generator[Differing, None, None]:
    """Yield what differs, in the order of ids; `seen` fills on the way, `advance` hears of points read."""
    items, points = true_items(connection), _points(collection, store=store, advance=advance)
    item, point = next(items, None), next(points, None)
    while item is not None or point is not None:
        place = _place(item, point)
        differing: Differing | None = None
        if point is None or place < 0:
            differing = Differing(missing=item)
        elif item is None or place > 0:
            differing = Differing(extra=point["id"])
        elif not _holds(point, item):
            differing = Differing(stale=item)
        if place <= 0:
            seen.items += 1
            item = next(items, None)
        if place >= 0:
            seen.points += 1
            point = next(points, None)
        if differing is not None:
            seen.add(differing)
            yield differing


def _points(collection: str, *, store: ReadableStore, advance: Advance) -> Iterator[Point]:
    for page in pages(collection, store=store):
        yield from page
        advance(len(page))


def _place(item: TrueItem | None, point: Point | None) -> int:
    """Return whether the item comes before the point (-1), after it (1), or is the same (0)."""
    if item is None:
        return 1
    if point is None:
        return -1
    left, right = (0, item.id, ""), order_of(point["id"])
    return (left > right) - (left < right)


def _holds(point: Point, item: TrueItem) -> bool:
    payload = point.get("payload") or {}
    is_last_change = payload.get("sequence") == item.sequence
    return is_last_change and _moment(payload.get("updated_at")) == item.updated_at


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _keep(first: list[Any], value: object) -> None:
    if len(first) < _IDS_TOLD:
        first.append(value)
