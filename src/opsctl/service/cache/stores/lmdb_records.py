"""How does an entry lie in LMDB, with its two indexes, and which entries make room for new ones?"""

import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from opsctl.service.cache.memory import kind_of
from opsctl.service.cache.stores.lmdb_file import OpenFile

_HEAD = struct.Struct(">QQ")  # end of its time in milliseconds of wall time, place in the order of writing
_PLACE = struct.Struct(">Q")
_EVICTIONS = b"evictions"

_LONGEST_KEY = 511  # LMDB's limit
_KEPT_OF_KEY = 400

# LMDB writes copies of pages before it frees the old ones: full to the brim, it could not even delete.
# Pages that one transaction frees can be used by the next but one, so a small file needs more room in proportion.
_SPARE_SHARE = 0.2
_SPARE_BYTES = 4 * 2**20
_SLICE_SHARE = 0.02
_SWEPT_EACH_WRITE = 64


def key_bytes(key: str) -> bytes:
    """Return the key as LMDB takes it; the end of a very long one is hashed."""
    whole = key.encode()
    if len(whole) <= _LONGEST_KEY:
        return whole
    return whole[:_KEPT_OF_KEY] + b"#" + blake2b(whole, digest_size=16).hexdigest().encode()


def read(transaction: Any, file: OpenFile, key: str, *, now: float) -> bytes | None:
    """Return the value of a key whose time is not over."""
    record: bytes | None = transaction.get(key_bytes(key), db=file.entries)
    if record is None or len(record) < _HEAD.size:
        return None
    ends, _ = _HEAD.unpack_from(record)
    return record[_HEAD.size :] if ends > now * 1000 else None


def write(transaction: Any, file: OpenFile, entries: Mapping[str, bytes], *, ends_at: float) -> None:
    """Write entries and their places in both indexes."""
    place = _newest_place(transaction, file)
    ends = round(ends_at * 1000)
    for key, value in entries.items():
        name = key_bytes(key)
        remove(transaction, file, name)
        place += 1
        head = _HEAD.pack(ends, place)
        transaction.put(name, head + value, db=file.entries)
        transaction.put(_PLACE.pack(place), name, db=file.order)
        transaction.put(head, name, db=file.ends)


def remove(transaction: Any, file: OpenFile, name: bytes) -> int:
    """Remove an entry from all places and return the bytes that it took; 0 when it was not there."""
    record: bytes | None = transaction.pop(name, db=file.entries)
    if record is None:
        return 0
    head = record[: _HEAD.size]
    transaction.delete(head, db=file.ends)
    transaction.delete(head[_PLACE.size :], db=file.order)
    return len(record) + 3 * len(name)


def sweep(transaction: Any, file: OpenFile, *, now: float, most: int = _SWEPT_EACH_WRITE) -> None:
    """Remove some of the entries whose time is over."""
    limit = _PLACE.pack(round(now * 1000))
    for name in _first(transaction, file.ends, most, below=limit):
        remove(transaction, file, name)


def is_full(transaction: Any, file: OpenFile, *, map_bytes: int, coming_bytes: int) -> bool:
    """Tell whether something should leave before so many bytes come."""
    spare = max(map_bytes * _SPARE_SHARE, min(_SPARE_BYTES, map_bytes / 2))
    return used_bytes(transaction, file) + 2 * coming_bytes > map_bytes - spare


def make_room(
    transaction: Any, file: OpenFile, *, map_bytes: int, now: float, most: int = 1_000_000
) -> Counter[str]:
    """Remove a slice: first what is past its time, then what was written first; return the evicted by kind."""
    wanted = map_bytes * _SLICE_SHARE
    limit = _PLACE.pack(round(now * 1000))
    for name in _first(transaction, file.ends, most, below=limit):
        wanted -= remove(transaction, file, name)
        if wanted <= 0:
            return Counter()
    evicted: Counter[str] = Counter()
    for name in _first(transaction, file.order, most):
        wanted -= remove(transaction, file, name)
        evicted[kind_of(name.decode(errors="replace"))] += 1
        if wanted <= 0:
            break
    count_evictions(transaction, file, evicted.total())
    return evicted


def clear(transaction: Any, file: OpenFile) -> int:
    """Remove everything and return how many entries that were."""
    entries: int = transaction.stat(file.entries)["entries"]
    for database in (file.entries, file.order, file.ends):
        transaction.drop(database, delete=False)
    count_evictions(transaction, file, entries)
    return entries


def names_with_prefix(transaction: Any, file: OpenFile, prefix: str, *, most: int) -> list[bytes]:
    """Return the first names that begin so."""
    start = prefix.encode()
    names: list[bytes] = []
    with transaction.cursor(db=file.entries) as cursor:
        if not cursor.set_range(start):
            return names
        for name in cursor.iternext(keys=True, values=False):
            if not name.startswith(start) or len(names) == most:
                break
            names.append(name)
    return names


def used_bytes(transaction: Any, file: OpenFile) -> int:
    """Return the bytes of the pages in use."""
    pages = 0
    for database in (file.entries, file.order, file.ends):
        stat = transaction.stat(database)
        pages += stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
    return int(pages * transaction.stat(file.entries)["psize"])


def count_evictions(transaction: Any, file: OpenFile, count: int) -> None:
    """Add to the number that all processes share."""
    if count:
        total = evictions(transaction, file) + count
        transaction.put(_EVICTIONS, _PLACE.pack(total), db=file.meta)


def evictions(transaction: Any, file: OpenFile) -> int:
    """Return how many entries ever left for want of room."""
    packed: bytes | None = transaction.get(_EVICTIONS, db=file.meta)
    return int(_PLACE.unpack(packed)[0]) if packed else 0


def _newest_place(transaction: Any, file: OpenFile) -> int:
    with transaction.cursor(db=file.order) as cursor:
        return int(_PLACE.unpack(cursor.key())[0]) if cursor.last() else 0


def _first(transaction: Any, database: Any, most: int, *, below: bytes = b"") -> Iterable[bytes]:
    """Yield the first names of an index one by one; each is removed before the next is asked for."""
    for _ in range(most):
        with transaction.cursor(db=database) as cursor:
            if not cursor.first() or (below and cursor.key() >= below):
                return
            name = bytes(cursor.value())
        yield name
