"""What does a worker hold in memory, bounded by bytes: least recently used entries leave first, tags find entries."""

import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

# Bytes of CPython 3.11 beside the value, measured with tracemalloc over 10,000 feeds of 21 tags
# (tests/service/cache/test_memory.py holds the sum to the truth): entry, key object, places in the tables;
# for each tag of an entry its place in the tuple and in the index; for each distinct tag its string and set.
_ENTRY_BYTES = 560
_LINK_BYTES = 72
_TAG_BYTES = 330

# An entry that would push out much of the tier for one key is not worth holding.
_LARGEST_SHARE = 0.1
# Entries that end within the same so many seconds leave together.
_SWEEP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; the times are those of the tier's clock, `size_bytes` is the value alone."""

    value: Any
    size_bytes: int
    stored_at: float
    fresh_until: float
    kept_until: float
    tags: tuple[str, ...]


class MemoryTier:
    """Entries by key; a key is `<kind>:<rest>`, so that what is held can be told by kind.

    Not for several threads: one event loop owns it. `get` is the hot path and does no more than it must.

    Args:
        bytes_limit: most bytes of values, keys, tags and Python's own overhead for them.
        now: a clock that never goes back, such as `time.monotonic`.
        evicted: told the kind of each entry that leaves for want of room.
    """

    def __init__(self, *, bytes_limit: int, now: Callable[[], float], evicted: Callable[[str], None]) -> None:
        self.bytes_limit = bytes_limit
        self._now = now
        self._evicted = evicted
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        # A tag with one key holds the key itself: an empty set costs 216 bytes, and most items are in few feeds.
        self._index: dict[str, str | set[str]] = {}
        self._ending: dict[int, set[str]] = {}
        self._swept_until = 0
        self._bytes = 0
        self._kind_entries: Counter[str] = Counter()
        self._kind_bytes: Counter[str] = Counter()

    @property
    def entries(self) -> int:
        """Return how many entries are held."""
        return len(self._entries)

    @property
    def bytes_used(self) -> int:
        """Return the bytes that are charged: values, keys, reverse index and overhead."""
        return self._bytes

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Return entries and bytes of each kind that was ever held; the index counts to no kind but as links."""
        return {kind: (self._kind_entries[kind], self._kind_bytes[kind]) for kind in self._kind_entries}

    def get(self, key: str) -> Entry | None:
        """Return an entry that is still kept, fresh or not; None when there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.kept_until <= self._now():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def put(
        self,
        key: str,
        value: Any,
        *,
        size_bytes: int,
        fresh_seconds: float,
        kept_seconds: float,
        tags: Sequence[str] = (),
    ) -> bool:
        """Hold a value in place of what the key held; False when it is larger than a tenth of the tier."""
        if key in self._entries:
            self._remove(key)
        now = self._now()
        # Interned tags are one string for all entries and for the index.
        distinct = tuple(dict.fromkeys(map(sys.intern, tags)))
        cost = _cost(key, size_bytes, distinct)
        if cost + len(distinct) * _TAG_BYTES > self.bytes_limit * _LARGEST_SHARE:
            return False
        self.sweep()
        self._entries[key] = Entry(value, size_bytes, now, now + fresh_seconds, now + kept_seconds, distinct)
        self._ending.setdefault(_bucket(now + kept_seconds), set()).add(key)
        self._charge(key, 1, cost)
        for tag in distinct:
            self._link(tag, key)
        self._make_room()
        return True

    def drop(self, key: str) -> bool:
        """Remove an entry and tell whether it was there."""
        if key not in self._entries:
            return False
        self._remove(key)
        return True

    def keys_of(self, tag: str) -> tuple[str, ...]:
        """Return the keys of the entries that carry the tag."""
        held = self._index.get(tag, ())
        return (held,) if isinstance(held, str) else tuple(held)

    def keys_of_kind(self, kind: str) -> tuple[str, ...]:
        """Return the keys of one kind; looks at every key."""
        return tuple(key for key in self._entries if kind_of(key) == kind)

    def clear(self) -> None:
        """Remove everything."""
        self._entries.clear()
        self._index.clear()
        self._ending.clear()
        self._bytes = 0
        self._kind_entries = Counter(dict.fromkeys(self._kind_entries, 0))
        self._kind_bytes = Counter(dict.fromkeys(self._kind_bytes, 0))

    def sweep(self) -> None:
        """Remove entries whose time is over, at most every half minute's worth at once."""
        current = _bucket(self._now())
        if current <= self._swept_until:
            return
        self._swept_until = current
        for bucket in [bucket for bucket in self._ending if bucket < current]:
            for key in tuple(self._ending[bucket]):
                self._remove(key)

    def _make_room(self) -> None:
        while self._bytes > self.bytes_limit:
            key = next(iter(self._entries))
            self._remove(key)
            self._evicted(kind_of(key))

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key)
        self._charge(key, -1, -_cost(key, entry.size_bytes, entry.tags))
        bucket = _bucket(entry.kept_until)
        ending = self._ending[bucket]
        ending.discard(key)
        if not ending:
            del self._ending[bucket]
        for tag in entry.tags:
            self._unlink(tag, key)

    def _charge(self, key: str, entries: int, size: int) -> None:
        kind = kind_of(key)
        self._kind_entries[kind] += entries
        self._kind_bytes[kind] += size
        self._bytes += size

    def _link(self, tag: str, key: str) -> None:
        held = self._index.get(tag)
        if held is None:
            self._index[tag] = key
            self._bytes += _TAG_BYTES
        elif isinstance(held, str):
            self._index[tag] = {held, key}
        else:
            held.add(key)

    def _unlink(self, tag: str, key: str) -> None:
        held = self._index[tag]
        if isinstance(held, set):
            held.discard(key)
        if isinstance(held, str) or not held:
            del self._index[tag]
            self._bytes -= _TAG_BYTES


def kind_of(key: str) -> str:
    """Return the kind of an entry by its key.

    >>> kind_of("feed:42:20::")
    'feed'
    """
    return key.partition(":")[0]


def _cost(key: str, size_bytes: int, tags: Sequence[str]) -> int:
    return _ENTRY_BYTES + len(key) + size_bytes + sum(_LINK_BYTES + len(tag) for tag in tags)


def _bucket(at: float) -> int:
    return int(at // _SWEEP_SECONDS)
