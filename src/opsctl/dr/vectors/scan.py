"""Which points does a collection hold: count, digests and a fixed sample, in one walk in the order of ids."""

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from opsctl.clients.qdrant_values import Point, PointId
from opsctl.core.clock import Clock
from opsctl.core.errors import FailedError
from opsctl.core.events import Listener
from opsctl.dr.vectors.ports import ReadableStore
from opsctl.dr.vectors.telling import told
from opsctl.vectors.digest import SetDigest, fingerprint

_PAGE_POINTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a walk over a collection found.

    `ids_sha256` is the SHA-256 of one line an id in Qdrant's order, `i7` or `s<uuid>`; `points_digest` is the set
    digest of ids and payloads (`vectors.digest`). Vectors are in neither: golden queries look at those.
    """

    points: int
    ids_sha256: str
    points_digest: str
    sample: tuple[PointId, ...]


def scan(collection: str, *, store: ReadableStore, clock: Clock, listener: Listener, sample: int = 0) -> Scan:
    """Walk over a collection; memory holds one page of it.

    Raises:
        FailedError: DRC041 when the ids do not come in order, so that nothing can be said of the whole.
    """
    ids, points, drawn = hashlib.sha256(), SetDigest(), _Draw(size=sample)
    total = store.collection(collection).points_count
    with told("digest", subject=collection, listener=listener, clock=clock, total=total) as advance:
        for page in pages(collection, store=store):
            for point in page:
                point_id = point["id"]
                ids.update(b"%b%b\n" % (b"i" if isinstance(point_id, int) else b"s", str(point_id).encode()))
                points.add(fingerprint(point_id, point.get("payload")))
                drawn.look_at(point_id)
            advance(len(page))
    return Scan(
        points=points.count,
        ids_sha256=ids.hexdigest(),
        points_digest=points.hex,
        sample=drawn.drawn,
    )


def pages(collection: str, *, store: ReadableStore) -> Iterator[list[Point]]:
    """Yield the points of a collection with their payloads, page by page, in the order of ids.

    Raises:
        FailedError: DRC041.
    """
    offset: PointId | None = None
    last: tuple[int, int, str] | None = None
    while True:
        page = store.scroll(collection, limit=_PAGE_POINTS, offset=offset)
        for point in page.points:
            key = order_of(point["id"])
            if last is not None and key <= last:
                raise _out_of_order(collection, point["id"])
            last = key
        yield page.points
        offset = page.next_offset
        if offset is None:
            return


def order_of(point_id: PointId) -> tuple[int, int, str]:
    """Return what sorts ids as Qdrant does: numbers first, then UUIDs by their bytes."""
    if isinstance(point_id, int):
        return (0, point_id, "")
    return (1, 0, point_id.replace("-", "").lower())


@dataclass(slots=True)
class _Draw:
    """Draws ids that depend on the set of ids alone, not on their order: those with the smallest hashes."""

    size: int
    _largest_first: list[tuple[int, PointId]] = field(default_factory=list)

    def look_at(self, point_id: PointId) -> None:
        """Take the id in where its hash is among the smallest."""
        if self.size == 0:
            return
        hashed = -int.from_bytes(
            hashlib.blake2b(f"golden {point_id!r}".encode(), digest_size=8).digest(), "big"
        )
        if len(self._largest_first) < self.size:
            heapq.heappush(self._largest_first, (hashed, point_id))
        elif hashed > self._largest_first[0][0]:
            heapq.heapreplace(self._largest_first, (hashed, point_id))

    @property
    def drawn(self) -> tuple[PointId, ...]:
        """Return the ids that were drawn, in Qdrant's order."""
        return tuple(sorted((point_id for _, point_id in self._largest_first), key=order_of))


def _out_of_order(collection: str, point_id: PointId) -> FailedError:
    return FailedError(
        f"the points of `{collection}` do not come in the order of their ids",
        code="DRC041",
        why=f"`{point_id}` came after a larger one, or twice",
        fix="run the same command again; if it comes back, look at the server's log",
    )
