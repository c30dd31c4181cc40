"""How does the pool of connections show in the metrics."""

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters


class PoolMeter:
    """Counts what `AsyncDatabase` tells (`clients.postgres_pool.PoolObserver`)."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters

    def waited(self, *, seconds: float) -> None:
        """Somebody got a connection after this time."""
        self._meters.observe(metrics.POOL_WAIT_SECONDS, value=seconds)

    def used(self, query: str, *, seconds: float) -> None:
        """Somebody gave a connection back after this time."""
        self._meters.observe(metrics.QUERY_SECONDS, query, value=seconds)

    def sized(self, *, idle: int, busy: int, waiting: int) -> None:
        """So many connections rest and work, and so many requests wait."""
        self._meters.set(metrics.POOL_CONNECTIONS, "idle", to=idle)
        self._meters.set(metrics.POOL_CONNECTIONS, "busy", to=busy)
        self._meters.set(metrics.POOL_WAITING, to=waiting)
