"""How are values of one kind kept in the key-value store that workers share (L2), so that a bad entry is never served?"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from opsctl.service.cache import keys as cache_keys
from opsctl.service.cache.codecs import Codec, CodecError
from opsctl.service.cache.invalidated import is_outdated
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.pause import Pause
from opsctl.service.cache.policy import Lifetime
from opsctl.service.cache.ports import KeyValueStore, StoreError
from opsctl.service.cache.sealed import Sealed, schema_id, seal, unseal
from opsctl.service.cache.shelf import Found, Held
from opsctl.service.cache.shelf_memory import lifetimes

Value = TypeVar("Value")


# Of each kind; a vector of 128 numbers with its bytes twice is about 1.5 KiB, so this is some 24 MiB.
_MOST_OPENED = 16_384


class _Opened(NamedTuple, Generic[Value]):
    """An entry whose bytes were checked and decoded."""

    data: bytes
    entry: Sealed
    value: Value | None


class StoreShelf(Generic[Value]):
    """One kind of entry in L2."""

    tier = "l2"

    def __init__(  # noqa: PLR0913 - one place where all of it meets
        self,
        store: KeyValueStore,
        *,
        kind: str,
        codec: Codec[Value],
        lifetime: Lifetime,
        journal: InvalidationJournal,
        timeout_seconds: float,
        now: Callable[[], float],
        chance: random.Random,
    ) -> None:
        self._store = store
        self._codec = codec
        self._lifetime = lifetime
        self._journal = journal
        self._timeout_seconds = timeout_seconds
        self._now = now
        self._chance = chance
        self._schema = schema_id(kind, cache_keys.VERSIONS[kind], codec.schema)
        self._fresh_seconds = lifetime.fresh_seconds
        self._stale_seconds = lifetime.stale_seconds
        self._kept_seconds = lifetime.kept_seconds
        self._negative_seconds = lifetime.negative_seconds
        self._opened: dict[str, _Opened[Value]] = {}
        # A store that is slow to write, or a loop that is too busy to wait for it, still answers lookups; without
        # them all load would go to the sources, just when there is too much of it.
        self._after_failed_write = Pause()

    def now(self) -> float:
        """Return the time by which entries age: wall time, since other machines and later processes read them."""
        return self._now()

    async def find(self, keys: Sequence[str]) -> Found[Value]:
        """Look keys up; damaged entries are dropped and named, a store that fails has nothing."""
        now = self._now()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                found = await self._store.get_many(keys)
        except (StoreError, TimeoutError):
            return Found({}, failed=True)
        held, poisoned = {}, set()
        for key, data in zip(keys, found, strict=True):
            if data is None:
                continue
            try:
                entry = self._open(key, data, now)
            except CodecError:
                poisoned.add(key)
                continue
            if entry is not None:
                held[key] = entry
        if poisoned:
            await self._discard(tuple(poisoned))
        return Found(held, poisoned=frozenset(poisoned))

    def mark(self) -> int:
        """Return the number of the newest invalidation of this machine."""
        return self._journal.sequence

    def is_outdated(self, key: str, *, since: int) -> bool:
        """Tell whether a key was invalidated after number `since`."""
        return is_outdated(self._journal, key=key, tags=cache_keys.tags_of(key), since=since)

    async def keep(self, values: Mapping[str, Value | None], *, since: int) -> bool:
        """Write what was loaded unless it was invalidated meanwhile; False when the store failed.

        Looked at before and after: whoever invalidates posts the mark first and deletes then, so an old value that
        was written behind the deletion is one whose mark is there by now.
        """
        if self._after_failed_write.is_on(self._now()):
            return False
        groups: dict[float, dict[str, bytes]] = {}
        is_whole = True
        for key, value in values.items():
            if self.is_outdated(key, since=since):
                continue
            fresh, kept = lifetimes(self._lifetime, is_negative=value is None, chance=self._chance)
            try:
                data = self._close(key, value, fresh=fresh, kept=kept)
            except CodecError:
                is_whole = False
                continue
            # The store may keep an entry as long as the longest of its kind; the seal holds the exact end.
            longest = self._negative_seconds if value is None else self._kept_seconds
            if longest > 0:
                groups.setdefault(longest, {})[key] = data
        try:
            async with asyncio.timeout(self._timeout_seconds):
                for keep_seconds, entries in groups.items():
                    await self._store.set_many(entries, keep_seconds=keep_seconds)
                late = [
                    key
                    for entries in groups.values()
                    for key in entries
                    if self.is_outdated(key, since=since)
                ]
                if late:
                    await self._store.delete_many(late)
        except StoreError:
            return False
        except TimeoutError:
            self._after_failed_write.begin(self._now())
            return False
        return is_whole

    async def drop(self, keys: Sequence[str]) -> int:
        """Remove entries for all workers."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._store.delete_many(keys)
        except TimeoutError as error:
            raise StoreError("the store is too slow") from error

    def _open(self, key: str, data: bytes, now: float) -> Held[Value] | None:
        opened = self._opened.get(key)
        if opened is None or opened.data != data:
            opened = self._unseal(key, data)
        entry = opened.entry
        if entry.payload is None:
            in_time = entry.is_in_time(now, longest_seconds=self._negative_seconds)
            return Held(None, entry.keep_until, entry.keep_until) if in_time else None
        if not entry.is_in_time(now, longest_seconds=self._kept_seconds):
            return None
        fresh_until = min(entry.fresh_until, entry.created + self._fresh_seconds)
        return Held(opened.value, fresh_until, fresh_until + self._stale_seconds)

    def _unseal(self, key: str, data: bytes) -> "_Opened[Value]":
        """Check and decode bytes, and remember that these very bytes were found good.

        The store is asked at every lookup all the same, so that an entry that was dropped or written anew is seen;
        only the checksum and the decoding of bytes that are equal to those of the last time are spared.
        """
        entry = unseal(data, key=key, schema=self._schema)
        value = None if entry.payload is None else self._codec.decode(entry.payload)
        if len(self._opened) >= _MOST_OPENED:
            del self._opened[next(iter(self._opened))]
        opened = self._opened[key] = _Opened(data, entry, value)
        return opened

    def _close(self, key: str, value: Value | None, *, fresh: float, kept: float) -> bytes:
        now = self._now()
        payload = None if value is None else self._codec.encode(value)
        return seal(Sealed(payload, now, now + fresh, now + kept), key=key, schema=self._schema)

    async def _discard(self, keys: Sequence[str]) -> None:
        """Remove damaged entries; where that fails they are told again by the next lookup."""
        try:
            await self.drop(keys)
        except StoreError:
            return
