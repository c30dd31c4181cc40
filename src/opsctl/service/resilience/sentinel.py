"""Does the vector database tell the truth: asked now and then for an item's own nearest neighbour, which is the item.

An outage shows by itself. A stale alias, shuffled ids or an index built wrong answer quickly and with good scores; only a
question of which the answer is known finds them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from opsctl.core.errors import OpsError
from opsctl.metrics import service as metrics
from opsctl.service.resilience.failures import VECTORS
from opsctl.service.resilience.known_items import KnownItems
from opsctl.service.resilience.unconfirmed import Unconfirmed
from opsctl.service.telemetry.meters import Meters

_log = logging.getLogger(__name__)

# What is known is learnt anew after so many looks, since items change; also while all looks wrong, so that no alarm
# about a database that has become another one for good stands for ever.
_KNOWN_LOOKS = 30
_OWNER = "sentinel"


class Isolates(Protocol):
    """Whoever can leave a dependency alone (`Protection`)."""

    def isolate(self, name: str, *, seconds: float, owner: str, reason: str) -> None:
        """Leave it alone for a while."""
        ...


class Sentinel:
    """Asks the vector database what it must know.

    Args:
        known: what it must know, asked without any guard: a dependency that is isolated must be looked at all the same.
        protection: isolates the vectors while they tell nonsense.
        unconfirmed: items whose vectors were read since the last good look.
        distrust: drops what is kept of such items, and tells whether it could.
        every_seconds: pause between two looks.
    """

    def __init__(
        self,
        known: KnownItems,
        *,
        protection: Isolates,
        unconfirmed: Unconfirmed,
        distrust: Callable[[Sequence[int]], Awaitable[bool]],
        every_seconds: float,
        meters: Meters,
    ) -> None:
        self._known = known
        self._protection = protection
        self._unconfirmed = unconfirmed
        self._distrust = distrust
        self._every_seconds = every_seconds
        self._meters = meters
        self._looks = 0
        self._was_good = True
        # Said before the first look, and where the book wants none: nobody has found a lie.
        meters.set(metrics.SENTINEL_OK, to=1.0)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stop.is_set():
            with suppress(OpsError, TimeoutError):  # an outage is the breaker's business
                async with asyncio.timeout(self._every_seconds):
                    await self.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._every_seconds)

    async def look(self) -> bool:
        """Look once; isolate the vectors until two looks later where they do not know what they hold.

        Raises:
            OpsError: there is no answer.
        """
        self._unconfirmed.begin_look()
        complaint = await self._complaint()
        is_good, was_good = not complaint, self._was_good
        self._was_good = is_good
        self._meters.set(metrics.SENTINEL_OK, to=float(is_good))
        if not is_good:
            self._protection.isolate(VECTORS, seconds=3 * self._every_seconds, owner=_OWNER, reason=complaint)
        if is_good is not was_good:
            _log.warning("the vector database tells the truth %s", "again" if is_good else "no more")
        if is_good and was_good:
            self._unconfirmed.confirm()
        else:
            await self._drop_lies(is_new=was_good)
        return is_good

    async def _complaint(self) -> str:
        self._looks += 1
        complaint = await self._known.complaint()
        if self._looks % _KNOWN_LOOKS:
            return complaint
        # What is known well stays known where it cannot be learnt anew just now.
        anew = await self._known.learn_anew()
        return anew if complaint else ""

    async def _drop_lies(self, *, is_new: bool) -> None:
        """Drop what was read since the last good look; what cannot be dropped is tried again with the next look."""
        ids = self._unconfirmed.ids
        if (ids or is_new) and await self._distrust(ids):
            self._unconfirmed.forget(ids)
