"""What is popular now, everywhere and in each region and category: kept in memory, and on disk for a start without a database."""

import asyncio
import heapq
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from opsctl.clients.files import write_atomically
from opsctl.clients.pool_ports import LendsConnections
from opsctl.core.errors import OpsError
from opsctl.service.api.ports import UnknownChoiceError
from opsctl.store.popularity import PopularItem, trending_by_group

_REFRESH_SECONDS = 60.0
_RETRY_SECONDS = 5.0
# The last known good answer stands in for an empty one for so long.
_GOOD_SECONDS = 3600.0
_SCHEMA = "opsctl.service.trending/1"

_log = logging.getLogger(__name__)


class _Baked(msgspec.Struct, frozen=True, kw_only=True):
    """The file: what was last known to be good."""

    schema: str
    written_at: datetime
    items: tuple[PopularItem, ...]


class TrendingBoard:
    """The most popular items of every pair of region and category; it answers without waiting for anybody.

    Reading the file and asking the database are kept apart from answering, so the answers go on when the database
    is gone, and begin before it is there.

    Args:
        database: asked while a request waits.
        patient_database: asked once a minute, when none does: the answer takes as long as the catalogue is large.
        path: the file, such as `<home>/service/trending.json`.
        depth: items kept of each pair; the largest limit that can be asked for.
        now: seconds since 1970.
        steady: a monotonic clock.
    """

    def __init__(
        self,
        database: LendsConnections,
        *,
        patient_database: LendsConnections,
        path: Path,
        depth: int,
        now: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._database = database
        self._patient_database = patient_database
        self._path = path
        self._depth = depth
        self._now = now
        self._steady = steady
        self._groups: dict[tuple[str, str], list[PopularItem]] = {}
        self._looked_at = float("-inf")
        self._good_at = steady()
        self._looking = asyncio.Lock()
        self._read_file()

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is known, of which nothing can be concluded."""
        return not self._groups

    def top(self, *, region: str | None, category: str | None, limit: int) -> Sequence[PopularItem]:
        """Return the most popular items of what is asked for, best first."""
        groups = [
            items
            for (in_region, of_category), items in self._groups.items()
            if region in (None, in_region) and category in (None, of_category)
        ]
        best = heapq.merge(*groups, key=lambda item: (-item.score, -item.quality, item.content_id))
        return [item for _, item in zip(range(limit), best, strict=False)]

    def nearest(self, *, region: str | None, category: str | None, limit: int) -> Sequence[PopularItem]:
        """Return the most popular items of what is asked for, or, where nothing is, of its region, or of everything."""
        for in_region, of_category in dict.fromkeys([(region, category), (region, None), (None, None)]):
            items = self.top(region=in_region, category=of_category, limit=limit)
            if items:
                return items
        return ()

    async def check_choice(self, *, region: str | None, category: str | None) -> None:
        """Refuse what is in nobody's catalogue; what the board does not know yet is looked up first.

        Raises:
            UnknownChoiceError: region or category are unknown.
        """
        if self._knows(region=region, category=category):
            return
        async with self._looking:
            # One look for all who ask for what is not known, and none for a while after it, whatever came of it.
            if self._steady() - self._looked_at > _RETRY_SECONDS:
                self._looked_at = self._steady()
                with suppress(OpsError):
                    await self._refresh(self._database)
        if self._knows(region=region, category=category):
            return
        regions = sorted({in_region for in_region, _ in self._groups})
        if region is not None and region not in regions:
            raise UnknownChoiceError(field="region", value=region, choices=regions)
        categories = sorted({of_category for _, of_category in self._groups})
        raise UnknownChoiceError(field="category", value=str(category), choices=categories)

    async def refresh(self) -> None:
        """Ask the database with patience, and write the answer down.

        Raises:
            OpsError: the database is not there; what was known stays.
        """
        await self._refresh(self._patient_database)

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh until told to stop; sooner again when the database was not there."""
        while not stop.is_set():
            pause = _REFRESH_SECONDS
            try:
                await self.refresh()
            except OpsError as error:
                _log.warning("trending items are not refreshed: %s %s", error.code, error.message)
                pause = _RETRY_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _refresh(self, database: LendsConnections) -> None:
        now = datetime.fromtimestamp(self._now(), UTC)
        async with database.connection("trending") as connection:
            found = await trending_by_group(connection, now=now, depth=self._depth)
        self._looked_at = self._steady()
        items = tuple(found)
        if not items and self._groups and self._steady() - self._good_at < _GOOD_SECONDS:
            # A catalogue does not become empty within a minute: more likely a bad import has archived it.
            _log.error("nothing is published any more; what was popular is kept for an hour")
            return
        self._take(items)
        if items:
            self._good_at = self._steady()
            baked = _Baked(schema=_SCHEMA, written_at=now, items=items)
            await asyncio.to_thread(self._write_file, baked)

    def _knows(self, *, region: str | None, category: str | None) -> bool:
        if self.is_empty:
            return True
        has_region = region is None or any(region == in_region for in_region, _ in self._groups)
        return has_region and (category is None or any(category == of for _, of in self._groups))

    def _take(self, items: Sequence[PopularItem]) -> None:
        groups: dict[tuple[str, str], list[PopularItem]] = {}
        for item in items:
            groups.setdefault((item.region, item.category), []).append(item)
        self._groups = groups

    def _read_file(self) -> None:
        """Begin with the last good answer; a file that is missing or damaged is as good as none."""
        try:
            baked = msgspec.json.decode(self._path.read_bytes(), type=_Baked)
        except (OSError, msgspec.DecodeError):
            return
        if baked.schema == _SCHEMA:
            self._take(baked.items)

    def _write_file(self, baked: _Baked) -> None:
        try:
            write_atomically(self._path, msgspec.json.encode(baked))
        except OpsError as error:
            _log.warning("trending items are not written down: %s %s", error.code, error.message)
