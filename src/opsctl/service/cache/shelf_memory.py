"""How are live objects of one kind kept in the worker's memory (L1)?"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from opsctl.service.cache import keys as cache_keys
from opsctl.service.cache.invalidated import InvalidatedMemory, is_outdated
from opsctl.service.cache.policy import Lifetime
from opsctl.service.cache.shelf import Found, Held

Value = TypeVar("Value")

_NEGATIVE_BYTES = 16


class MemoryShelf(Generic[Value]):
    """One kind of entry in L1."""

    tier = "l1"

    def __init__(
        self,
        memory: InvalidatedMemory,
        *,
        lifetime: Lifetime,
        size_of: Callable[[Value], int],
        now: Callable[[], float],
        chance: random.Random,
    ) -> None:
        self._memory = memory
        self._lifetime = lifetime
        self._size_of = size_of
        self._now = now
        self._chance = chance
        self._stale_seconds = lifetime.stale_seconds

    def now(self) -> float:
        """Return the time by which entries age."""
        return self._now()

    async def find(self, keys: Sequence[str]) -> Found[Value]:
        """Look keys up, marks of the journal applied."""
        held = {}
        for key in keys:
            entry = self._memory.get(key)
            if entry is not None:
                stale_until = entry.fresh_until + (0.0 if entry.value is None else self._stale_seconds)
                held[key] = Held(entry.value, entry.fresh_until, stale_until)
        return Found(held)

    def mark(self) -> int:
        """Return the number of the newest invalidation."""
        return self._memory.sequence

    def is_outdated(self, key: str, *, since: int) -> bool:
        """Tell whether a key was invalidated after number `since`."""
        return is_outdated(self._memory.journal, key=key, tags=cache_keys.tags_of(key), since=since)

    async def keep(self, values: Mapping[str, Value | None], *, since: int) -> bool:
        """Keep what was loaded unless it was invalidated meanwhile."""
        for key, value in values.items():
            fresh, kept = lifetimes(self._lifetime, is_negative=value is None, chance=self._chance)
            if kept > 0:
                self._memory.put(
                    key,
                    value,
                    size_bytes=_NEGATIVE_BYTES if value is None else self._size_of(value),
                    fresh_seconds=fresh,
                    kept_seconds=kept,
                    tags=cache_keys.tags_of(key),
                    since=since,
                )
        return True

    async def drop(self, keys: Sequence[str]) -> int:
        """Remove entries from this worker's memory."""
        return sum(self._memory.memory.drop(key) for key in keys)


def lifetimes(lifetime: Lifetime, *, is_negative: bool, chance: random.Random) -> tuple[float, float]:
    """Return for how many seconds an entry is fresh and kept, its jitter drawn."""
    if is_negative:
        return lifetime.negative_seconds, lifetime.negative_seconds
    fresh = lifetime.fresh_seconds * (1.0 - lifetime.jitter * chance.random())
    return fresh, fresh + max(lifetime.stale_seconds, lifetime.error_seconds)
