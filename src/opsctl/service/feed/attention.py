"""How do readers take to each item lately: asked of the database for many feeds at once, and known for a minute."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from opsctl.clients.pool_ports import LendsConnections
from opsctl.core.errors import OpsError
from opsctl.service.feed.values import Attention
from opsctl.store.popularity import popularity_of

_KNOWN_SECONDS = 60.0
# About 150 bytes each; a catalogue beyond that is asked for anew.
_MOST_ITEMS = 200_000


class AttentionOfItems:
    """Popularity and exposure by item.

    Args:
        now: seconds since 1970.
        steady: a monotonic clock.
    """

    def __init__(
        self, database: LendsConnections, *, now: Callable[[], float], steady: Callable[[], float]
    ) -> None:
        self._database = database
        self._now = now
        self._steady = steady
        self._known: dict[int, tuple[float, Attention]] = {}

    async def of(self, ids: Sequence[int]) -> tuple[Mapping[int, Attention], str]:
        """Return what is known, and why it may be old or little; no feed fails for the want of it."""
        steady, note = self._steady(), ""
        asked = [item for item in ids if item not in self._known or self._known[item][0] <= steady]
        if asked:
            try:
                await self._ask(asked, until=steady + _KNOWN_SECONDS)
            except OpsError as error:
                note = f"attention {error.code}"
        return {item: self._known[item][1] for item in ids if item in self._known}, note

    async def _ask(self, ids: Sequence[int], *, until: float) -> None:
        now = datetime.fromtimestamp(self._now(), UTC)
        async with self._database.connection("popularity_of") as connection:
            found = await popularity_of(connection, ids, now=now)
        if len(self._known) + len(found) > _MOST_ITEMS:
            self._known.clear()
        for item, popularity in found.items():
            attention = Attention(popularity=popularity.share, exposures=popularity.views)
            self._known[item] = (until, attention)
