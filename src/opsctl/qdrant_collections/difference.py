"""In which points do a source, seen through a filter, and its derived collection differ?"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from opsctl.clients.qdrant_values import Filter, Page, Point, PointId
from opsctl.core.clock import Clock
from opsctl.qdrant_collections.ranges import id_key
from opsctl.qdrant_collections.store import VectorStore
from opsctl.vectors.digest import SetDigest, fingerprint
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.retry import retrying

_PAGE_POINTS = 1000
_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """A handful of differing points, small enough to mend before the next handful is looked for."""

    missing: tuple[PointId, ...] = ()
    changed: tuple[PointId, ...] = ()
    extra: tuple[PointId, ...] = ()

    @property
    def count(self) -> int:
        """Return how many points differ."""
        return len(self.missing) + len(self.changed) + len(self.extra)


@dataclass(slots=True)
class Comparison:
    """What was seen of both sides so far; whole when the walk has ended."""

    source: SetDigest = field(default_factory=SetDigest)
    target: SetDigest = field(default_factory=SetDigest)
    missing: int = 0
    changed: int = 0
    extra: int = 0
    misfits: int = 0
    """Points of the derived collection that do not pass the filter."""

    @property
    def count(self) -> int:
        """Return how many points differ."""
        return self.missing + self.changed + self.extra

    @property
    def is_equal(self) -> bool:
        """Tell whether both sides hold the same points."""
        return self.count == 0 and self.source.hex == self.target.hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two collections that are compared."""

    source: str
    target: str
    filter: FilterSpec


def walk_differences(
    sides: Sides, *, store: VectorStore, clock: Clock, seen: Comparison
) -> Iterator[Differences]:
    """Walk both sides in the order of ids and yield where they differ, page by page; `seen` fills on the way.

    Memory holds two pages a side, however large the collections are.
    """
    asked = sides.filter.to_qdrant()
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="compare") as threads:
        source = _marked(_points(sides.source, store=store, clock=clock, filter=asked, threads=threads))
        target = _marked(_checked(sides, store=store, clock=clock, threads=threads, seen=seen))
        yield from _merge(source, target, seen=seen)


Marked = tuple[tuple[int, int, str], PointId, int]


def _merge(source: Iterator[Marked], target: Iterator[Marked], *, seen: Comparison) -> Iterator[Differences]:
    missing: list[PointId] = []
    changed: list[PointId] = []
    extra: list[PointId] = []
    left, right = next(source, None), next(target, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None  # noqa: S101 - one of the two is there, by the loop's condition
            seen.source.add(left[2])
            missing.append(left[1])
            left = next(source, None)
        elif left is None or right[0] < left[0]:
            seen.target.add(right[2])
            extra.append(right[1])
            right = next(target, None)
        else:
            seen.source.add(left[2])
            seen.target.add(right[2])
            if left[2] != right[2]:
                changed.append(left[1])
            left, right = next(source, None), next(target, None)
        if len(missing) + len(changed) + len(extra) >= _PAGE_POINTS:
            yield _counted(missing, changed, extra, seen=seen)
    if missing or changed or extra:
        yield _counted(missing, changed, extra, seen=seen)


def _counted(
    missing: list[PointId], changed: list[PointId], extra: list[PointId], *, seen: Comparison
) -> Differences:
    found = Differences(missing=tuple(missing), changed=tuple(changed), extra=tuple(extra))
    seen.missing += len(missing)
    seen.changed += len(changed)
    seen.extra += len(extra)
    for each in (missing, changed, extra):
        each.clear()
    return found


def _marked(points: Iterable[Point]) -> Iterator[Marked]:
    for point in points:
        yield id_key(point["id"]), point["id"], fingerprint(point["id"], point.get("payload"))


def _checked(
    sides: Sides, *, store: VectorStore, clock: Clock, threads: ThreadPoolExecutor, seen: Comparison
) -> Iterator[Point]:
    for point in _points(sides.target, store=store, clock=clock, filter=None, threads=threads):
        if not sides.filter.matches(point.get("payload") or {}):
            seen.misfits += 1
        yield point


def _points(
    name: str,
    *,
    store: VectorStore,
    clock: Clock,
    filter: Filter | None,  # noqa: A002 - Qdrant's own word
    threads: ThreadPoolExecutor,
) -> Iterator[Point]:
    """Yield the points of a collection; the next page is read while this one is looked at."""

    def read(offset: PointId | None) -> Page:
        return retrying(
            lambda: store.scroll(name, limit=_PAGE_POINTS, offset=offset, filter=filter),
            clock=clock,
            budget_seconds=_RETRY_SECONDS,
        )

    page = read(None)
    while True:
        following = None if page.next_offset is None else threads.submit(read, page.next_offset)
        yield from page.points
        if following is None:
            return
        page = following.result()
