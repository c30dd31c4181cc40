"""How are rows written that no feed may wait for: a bounded queue, in batches, kept while the database is not there?"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from opsctl.core.errors import OpsError

Row = TypeVar("Row")

_log = logging.getLogger(__name__)


class WriteBehind(Generic[Row]):
    """Rows on their way to the database.

    Args:
        what: the rows' name in the log.
        write: writes a batch; an `OpsError` means that the database is not there.
        lose: hears of a batch that the database refuses.
        batch: rows of one write.
        most_waiting: for more there is no room.
    """

    def __init__(
        self,
        what: str,
        *,
        write: Callable[[Sequence[Row]], Awaitable[object]],
        lose: Callable[[Sequence[Row]], None],
        batch: int,
        most_waiting: int,
    ) -> None:
        self._what = what
        self._write = write
        self._lose = lose
        self._batch = batch
        self._most_waiting = most_waiting
        self._waiting: deque[Row] = deque()

    def __len__(self) -> int:
        """Return how many rows are not written yet."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Tell whether there is no room for one more."""
        return len(self._waiting) >= self._most_waiting

    def add(self, row: Row) -> None:
        """Take a row; who brings it looks first whether there is room."""
        self._waiting.append(row)

    async def flush(self) -> None:
        """Write what waits; where the database is not there it waits on."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
            try:
                await self._write(batch)
            except OpsError as error:
                _log.warning("%s are not written: %s %s", self._what, error.code, error.message)
                self._waiting.extendleft(reversed(batch))
                return
            except Exception:
                # What the database refuses today it refuses tomorrow: kept, it would hold up all that come after it.
                self._lose(batch)
                raise
