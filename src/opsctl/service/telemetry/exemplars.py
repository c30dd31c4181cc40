"""Which request stands for a bucket: the newest trace of each, so that a slow quantile leads to one that was slow.

prometheus-client keeps no exemplars where several processes count. Each worker keeps the newest of each route and bucket
(bounded by both), writes them to a small file twice a second, and whoever is scraped reads the files of all.
"""

import asyncio
import json
import os
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from opsctl.metrics import service as metrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from opsctl.service.telemetry.facts import RequestFacts

_SECONDS = 0.5
_OLDEST_SECONDS = 600.0
_BOUNDS = metrics.REQUEST_SECONDS.buckets
_BUCKET = f"{metrics.REQUEST_SECONDS.name}_bucket"


class Kept(NamedTuple):
    """One request that stands for its bucket."""

    trace_id: str
    seconds: float
    at: float


class Exemplars:
    """The exemplars of one worker, and those of all for a scrape.

    Args:
        folder: that of the metrics of all workers; None keeps them in this process.
        now: seconds since 1970.
    """

    def __init__(self, folder: Path | None, *, now: Any = time.time) -> None:
        self._file = None if folder is None else folder / f"exemplars-{os.getpid()}.json"
        self._now = now
        self._kept: dict[tuple[str, int], Kept] = {}
        self._is_changed = False

    def note(self, facts: "RequestFacts") -> None:
        """Keep a request, if it has a trace."""
        if facts.trace_id:
            bucket = bisect_left(_BOUNDS, facts.duration_seconds)
            self._kept[facts.route, bucket] = Kept(facts.trace_id, facts.duration_seconds, self._now())
            self._is_changed = True

    async def run(self, stop: asyncio.Event) -> None:
        """Write what is new until told to stop."""
        while not stop.is_set():
            self.write()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _SECONDS)

    def write(self) -> None:
        """Write this worker's file, if anything is new; a file system that is full costs exemplars, nothing else."""
        if self._file is None or not self._is_changed:
            return
        self._is_changed = False
        rows = [[route, bucket, *kept] for (route, bucket), kept in self._kept.items()]
        unfinished = self._file.with_suffix(".tmp")
        with suppress(OSError):
            unfinished.write_text(json.dumps(rows), encoding="utf-8")
            unfinished.replace(self._file)

    def newest(self) -> dict[tuple[str, int], Kept]:
        """Return the newest of all workers for each route and bucket; none that is older than ten minutes."""
        found: dict[tuple[str, int], Kept] = {}
        oldest = self._now() - _OLDEST_SECONDS
        for key, kept in (*self._of_others(), *self._kept.items()):
            if kept.at >= oldest and (key not in found or kept.at > found[key].at):
                found[key] = kept
        return found

    def on(self, registry: "CollectorRegistry") -> "_WithExemplars":
        """Return a registry whose buckets of request durations carry exemplars."""
        return _WithExemplars(registry, self.newest())

    def _of_others(self) -> Iterator[tuple[tuple[str, int], Kept]]:
        for file in self._file.parent.glob("exemplars-*.json") if self._file is not None else ():
            with suppress(OSError, ValueError, TypeError):
                for route, bucket, trace_id, seconds, at in json.loads(file.read_text(encoding="utf-8")):
                    yield (route, bucket), Kept(trace_id, seconds, at)


class _WithExemplars:
    """Gives the metrics of another registry, exemplars added; all that the library's writer of OpenMetrics asks for."""

    def __init__(self, registry: "CollectorRegistry", kept: dict[tuple[str, int], Kept]) -> None:
        self._registry = registry
        self._kept = kept

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import Exemplar

        for metric in self._registry.collect():
            if metric.name == metrics.REQUEST_SECONDS.name:
                metric.samples = [
                    sample._replace(exemplar=Exemplar({"trace_id": kept.trace_id}, kept.seconds, kept.at))
                    if sample.name == _BUCKET and (kept := self._of(sample.labels)) is not None
                    else sample
                    for sample in metric.samples
                ]
            yield metric

    def _of(self, labels: dict[str, str]) -> Kept | None:
        bound = float(labels["le"].replace("+Inf", "inf"))
        return self._kept.get((labels["route"], bisect_left(_BOUNDS, bound)))
