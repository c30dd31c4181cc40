"""When was each key last used: told to the database in batches, never per request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from opsctl.service.edge.keys import KeyCheck

_logger = logging.getLogger(__name__)

Report = Callable[[Mapping[str, datetime]], Awaitable[None]]


async def report_use(
    keys: KeyCheck, *, report: Report, stop: asyncio.Event, every_seconds: float = 30.0
) -> None:
    """Report, until `stop` and once more then, which keys were used since the last report."""
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_seconds)
        await report_once(keys, report=report)


async def report_once(keys: KeyCheck, *, report: Report) -> None:
    """Report what was used; what could not be reported waits for the next time."""
    used, keys.used = keys.used, {}
    if not used:
        return
    try:
        await report({prefix: datetime.fromtimestamp(at, tz=UTC) for prefix, at in used.items()})
    except Exception as error:
        keys.used = used | keys.used
        _logger.warning("the use of %d keys could not be reported", len(used), exc_info=error)
