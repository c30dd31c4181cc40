"""What is counted of each request: the instruments of the edge, bound once to their labels."""

from typing import TYPE_CHECKING, Any

from opsctl.service.telemetry import metrics
from opsctl.service.telemetry.meters import Meters

if TYPE_CHECKING:
    from collections.abc import Callable


class Counting:
    """Instruments by route and status class; a look into a dictionary costs less than finding labels anew."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
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
        self.hit: Callable[[], None] = _bound(meters.child(metrics.CACHE_LOOKUPS, "l1", "feed", "hit")).inc
        self.miss: Callable[[], None] = _bound(meters.child(metrics.CACHE_LOOKUPS, "l1", "feed", "miss")).inc
        self.stale: Callable[[], None] = _bound(
            meters.child(metrics.CACHE_LOOKUPS, "l1", "feed", "stale")
        ).inc

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests[route, status // 100]()
        self._seconds[route](seconds)

    def refused(self, reason: str) -> None:
        """Count one refusal of the edge itself."""
        self._meters.count(metrics.REFUSED, reason)


def _bound(child: Any) -> Any:
    """Return the instrument as what it was declared; the library has no common type for `inc` and `observe`."""
    return child
