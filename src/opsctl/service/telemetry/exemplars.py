"""Which request stands for a bucket: the newest trace of each, so that a slow quantile leads to one that was slow.

prometheus-client keeps no exemplars where several processes count. Each worker keeps the newest of each route and bucket
(bounded by both), writes them to a small file twice a second, and whoever is scraped reads the files of all.
"""

import asyncio
import json
import os
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.facts import REFRESH, RequestFacts
from opsctl.service.telemetry.merging import ExemplarOf
from opsctl.service.telemetry.workers import exemplars_name

_SECONDS = 0.5
_OLDEST_SECONDS = 600.0
_BOUNDS = metrics.REQUEST_SECONDS.buckets
_METRIC = metrics.REQUEST_SECONDS.name


class Kept(NamedTuple):
    """One request that stands for its bucket."""

    trace_id: str
    span_id: str
    seconds: float
    at: float


class Exemplars:
    """The exemplars of one worker, and those of all for a scrape.

    Args:
        folder: that of the metrics of all workers; None keeps them in this process.
        now: seconds since 1970.
    """

    def __init__(self, folder: Path | None, *, now: Callable[[], float] = time.time) -> None:
        self._file = None if folder is None else folder / exemplars_name(os.getpid())
        self._now = now
        self._kept: dict[tuple[str, int], Kept] = {}
        self._is_changed = False

    def note(self, facts: RequestFacts) -> None:
        """Keep a request, if it has a trace and was counted: a feed made in the background stands in no bucket."""
        if facts.trace_id and facts.cache != REFRESH:
            bucket = bisect_left(_BOUNDS, facts.duration_seconds)
            kept = Kept(facts.trace_id, facts.span_id, round(facts.duration_seconds, 9), self._now())
            self._kept[facts.route, bucket] = kept
            self._is_changed = True

    async def run(self, stop: asyncio.Event) -> None:
        """Write what is new until told to stop."""
        while not stop.is_set():
            self.write()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _SECONDS)
        self.write()

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
        for key, kept in (*self._of_others(), *self._kept.copy().items()):
            if kept.at >= oldest and (key not in found or kept.at > found[key].at):
                found[key] = kept
        return found

    def writer(self) -> ExemplarOf:
        """Return what writes the exemplar of a bucket, as OpenMetrics wants it behind the number of the bucket."""
        newest = self.newest()

        def written(metric: str, labels: Mapping[str, str], bucket: int) -> str:
            kept = newest.get((labels.get("route", ""), bucket)) if metric == _METRIC else None
            if kept is None:
                return ""
            return f' # {{span_id="{kept.span_id}",trace_id="{kept.trace_id}"}} {kept.seconds} {kept.at:.3f}'

        return written

    def _of_others(self) -> Iterator[tuple[tuple[str, int], Kept]]:
        for file in self._file.parent.glob(exemplars_name("*")) if self._file is not None else ():
            with suppress(OSError, ValueError, TypeError):
                for route, bucket, *kept in json.loads(file.read_text(encoding="utf-8")):
                    yield (route, bucket), Kept(*kept)
