"""An L2 store in a dict, which keeps to the same contract as the real ones and can be told to fail."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from opsctl.service.cache.ports import StoreError, StoreFigures


class DictStore:
    """Bytes by key; `broken` makes every call fail, `slow_seconds` late; `before_write` comes before a write does."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.entries: dict[str, tuple[bytes, float]] = {}
        self.broken = False
        self.slow_seconds = 0.0
        self.before_write: Callable[[], Awaitable[None]] | None = None

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values in the order of the keys."""
        await self._answer()
        found = (self.entries.get(key, (None, 0.0)) for key in keys)
        return [value if ends > self.now() else None for value, ends in found]

    async def set_many(self, entries: Mapping[str, bytes], *, keep_seconds: float) -> None:
        """Write entries."""
        await self._answer()
        if self.before_write is not None:
            await self.before_write()
        ends = self.now() + keep_seconds
        self.entries |= {key: (value, ends) for key, value in entries.items()}

    async def delete_many(self, keys: Sequence[str]) -> int:
        """Remove entries."""
        await self._answer()
        return sum(self.entries.pop(key, None) is not None for key in keys)

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every entry whose key starts so."""
        return await self.delete_many([key for key in self.entries if key.startswith(prefix)])

    async def figures(self) -> StoreFigures:
        """Count."""
        await self._answer()
        size = sum(len(key) + len(value) for key, (value, _) in self.entries.items())
        return StoreFigures(entries=len(self.entries), bytes_used=size, bytes_limit=None)

    async def close(self) -> None:
        """Keep everything, as a server does."""

    async def _answer(self) -> None:
        await asyncio.sleep(self.slow_seconds)
        if self.broken:
            raise StoreError("told to fail")
