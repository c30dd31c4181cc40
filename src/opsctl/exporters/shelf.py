"""What is told right now: the newest values of each family, as long as they are fresh, and when each was last worked out."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.exporters.family import Family, Value
from opsctl.metrics import exporters as metrics

_log = logging.getLogger("opsctl.exporters")


class Shelf:
    """Holds what families brought; a family that fails keeps its values until they are stale, then they are gone.

    Values that stay after their source has died would look like good news.
    """

    def __init__(self, families: Sequence[Family], *, clock: Clock) -> None:
        self._families = {family.name: family for family in families}
        self._clock = clock
        self._values: dict[str, Sequence[Value]] = {}
        self._renewed: dict[str, tuple[float, float, float]] = {}
        self._lock = threading.Lock()

    def renew(self, family: Family) -> bool:
        """Work a family's figures out; tell whether that went well. Whatever fails is logged, never raised."""
        began = self._clock.monotonic()
        try:
            values = tuple(family.read())
        except OpsError as error:
            _log.error("%s cannot be told: %s %s", family.name, error.code, error.message)
            return False
        except Exception:  # noqa: BLE001 - one family's bug must not silence the others
            _log.exception("%s cannot be told", family.name)
            return False
        ended = self._clock.monotonic()
        with self._lock:
            self._values[family.name] = values
            self._renewed[family.name] = (self._clock.now().timestamp(), ended, ended - began)
        return True

    def values(self) -> tuple[Value, ...]:
        """Return what is fresh, and for each family that ever worked when it did last."""
        with self._lock:
            now = self._clock.monotonic()
            told = [
                value
                for name, values in self._values.items()
                if now - self._renewed[name][1] <= self._families[name].stale_after_seconds
                for value in values
            ]
            for name, (at, _, took) in self._renewed.items():
                told += [Value(metrics.LAST_SUCCESS, (name,), at), Value(metrics.DURATION, (name,), took)]
        return tuple(told)

    def keep_renewing(self, over: threading.Event) -> None:
        """Work each family out again and again, in a thread of its own, until told to stop."""
        threads = [
            threading.Thread(target=self._renew_until, args=(family, over), daemon=True)
            for family in self._families.values()
        ]
        for thread in threads:
            thread.start()
        over.wait()

    def _renew_until(self, family: Family, over: threading.Event) -> None:
        while not over.is_set():
            self.renew(family)
            over.wait(family.every_seconds)


def exposition(read: Callable[[], Iterable[Value]]) -> bytes:
    """Return values in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(read))
    return generate_latest(registry)


class _Collector:
    """Gives prometheus-client what is told right now."""

    def __init__(self, read: Callable[[], Iterable[Value]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Any]:
        from prometheus_client.core import GaugeMetricFamily

        families: dict[str, Any] = {}
        for value in self._read():
            metric = value.metric
            if metric.name not in families:
                families[metric.name] = GaugeMetricFamily(
                    metric.name, metric.help, labels=list(metric.labels)
                )
            families[metric.name].add_metric(list(value.labels), value.number)
        return families.values()
