"""Does the copy hurt those who search right now: a gate that closes while the live alias is slow."""

import threading
from dataclasses import dataclass, field

from opsctl.clients.qdrant_errors import is_transient
from opsctl.clients.qdrant_values import Query
from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.core.quantiles import quantile
from opsctl.qdrant_collections.store import VectorStore

_PROBES = 20
_PERIOD_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class LiveGuard:
    """Probes the live alias about once a second; the streams wait at `gate` while its p95 is too high."""

    store: VectorStore
    clock: Clock
    alias: str
    queries: list[Query]
    max_p95_seconds: float
    gate: threading.Event = field(default_factory=threading.Event)
    paused_seconds: float = 0.0
    pauses: int = 0
    _last: float | None = None

    def __post_init__(self) -> None:
        self.gate.set()

    def check(self) -> None:
        """Probe, when it is time again, and open or close the gate."""
        now = self.clock.monotonic()
        if self._last is not None and now - self._last < _PERIOD_SECONDS:
            return
        if self._last is not None and not self.gate.is_set():
            self.paused_seconds += now - self._last
        self._last = now
        if self._is_fast():
            self.gate.set()
        elif self.gate.is_set():
            self.gate.clear()
            self.pauses += 1

    def _is_fast(self) -> bool:
        """Tell whether searches are fast; a server that cannot even answer them is the last to be loaded more."""
        try:
            took = sorted(
                self.store.query(self.alias, query).client_seconds for query in self.queries[:_PROBES]
            )
        except OpsError as error:
            if not is_transient(error):
                raise
            return False
        return quantile(took, 0.95) <= self.max_p95_seconds
