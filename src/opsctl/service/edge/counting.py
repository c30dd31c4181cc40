"""What is counted of each request: the instruments of the edge, bound once to their labels."""

import asyncio
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from opsctl.metrics import service as metrics
from opsctl.service.edge.cells import SharedCells
from opsctl.service.telemetry.meters import Meters

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITE_SECONDS: Final = 0.25
_BOUNDS: Final = metrics.REQUEST_SECONDS.buckets


class Counting:
    """Instruments by route and status class; a look into a dictionary costs less than finding labels anew."""

    def __init__(self, meters: Meters, cells: SharedCells) -> None:
        self._meters = meters
        self._cells = CellFigures(meters, cells)
        self._requests: dict[tuple[str, int], Callable[[], None]] = {
            (route, int(status[0])): _bound(meters.child(metrics.REQUESTS, route, status)).inc
            for route in metrics.ROUTES
            for status in metrics.STATUS_CLASSES
        }
        self._seconds: dict[str, Callable[[float], None]] = {
            route: _bound(meters.child(metrics.REQUEST_SECONDS, route)).observe for route in metrics.ROUTES
        }
        in_flight = _bound(meters.child(metrics.REQUESTS_IN_FLIGHT))
        self.came: Callable[[], None] = in_flight.inc
        self.went: Callable[[], None] = in_flight.dec
        self.hits = HitFigures(meters)
        self.hit: Callable[[], None] = _bound(meters.child(metrics.CACHE_LOOKUPS, "l1", "feed", "hit")).inc
        self.miss: Callable[[], None] = _bound(meters.child(metrics.CACHE_LOOKUPS, "l1", "feed", "miss")).inc
        self.stale: Callable[[], None] = _bound(
            meters.child(metrics.CACHE_LOOKUPS, "l1", "feed", "stale")
        ).inc

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests[route, status // 100]()
        self._seconds[route](seconds)

    def write_out(self) -> None:
        """Hand over what was added up in this process, before it is read and every now and then."""
        self.hits.write_out()
        self._cells.write_out()

    def refused(self, reason: str) -> None:
        """Count one refusal of the edge itself."""
        self._meters.count(metrics.REFUSED, reason)


class HitFigures:
    """The answers of L1 since they were last written out, as plain numbers of this process.

    Four instruments of each hit would be written to the worker's files; here they are additions, written together a
    moment later. So what is read of another worker is up to `_WRITE_SECONDS` old, and a worker that is killed loses
    that much; the worker that is read, and one that ends, write theirs out before.
    """

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._is_due = False
        self._whole = 0
        self._not_modified = 0
        self._seconds = 0.0
        self._buckets = [0] * (len(_BOUNDS) + 1)

    def add(self, status: int, seconds: float) -> None:
        """Count one answer, 200 or 304."""
        if status == 200:
            self._whole += 1
        else:
            self._not_modified += 1
        self._seconds += seconds
        self._buckets[bisect_left(_BOUNDS, seconds)] += 1
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_later(_WRITE_SECONDS, self.write_out)

    def write_out(self) -> None:
        """Hand everything over to the instruments, which all workers' readers see."""
        self._is_due = False
        whole, not_modified = self._whole, self._not_modified
        seconds, buckets = self._seconds, self._buckets
        self._whole, self._not_modified = 0, 0
        self._seconds, self._buckets = 0.0, [0] * len(buckets)
        if not whole + not_modified:
            return
        self._meters.count(metrics.CACHE_LOOKUPS, "l1", "feed", "hit", by=whole + not_modified)
        self._meters.count(metrics.REQUESTS, "feed", "2xx", by=whole)
        self._meters.count(metrics.REQUESTS, "feed", "3xx", by=not_modified)
        self._meters.observe_many(metrics.REQUEST_SECONDS, "feed", counts=buckets, total=seconds)


class CellFigures:
    """What the cells of the rate limit count of themselves, as plain numbers: what is new since it was written out."""

    def __init__(self, meters: Meters, cells: SharedCells) -> None:
        self._meters = meters
        self._cells = cells
        self._evictions = 0
        self._unlocked = 0

    def write_out(self) -> None:
        """Hand what is new over to the instruments, which all workers' readers see."""
        evictions, unlocked = self._cells.evictions, self._cells.unlocked
        if evictions != self._evictions:
            self._meters.count(metrics.RATE_LIMIT_EVICTIONS, by=evictions - self._evictions)
            self._evictions = evictions
        if unlocked != self._unlocked:
            self._meters.count(metrics.RATE_LIMIT_UNLOCKED, by=unlocked - self._unlocked)
            self._unlocked = unlocked


def _bound(child: Any) -> Any:
    """Return the instrument as what it was declared; the library has no common type for `inc` and `observe`."""
    return child
