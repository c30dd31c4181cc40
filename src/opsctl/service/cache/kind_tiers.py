"""Of what is the cache of a kind made in each tier?"""

import random
from collections.abc import Callable

from opsctl.service.cache.codecs import Codec
from opsctl.service.cache.invalidated import InvalidatedMemory
from opsctl.service.cache.journal import InvalidationJournal
from opsctl.service.cache.kind import KindCache, Value
from opsctl.service.cache.policy import Lifetime
from opsctl.service.cache.ports import KeyValueStore
from opsctl.service.cache.shelf_memory import MemoryShelf
from opsctl.service.cache.shelf_store import StoreShelf
from opsctl.service.telemetry.meters import Meters


def l1_kind(  # noqa: PLR0913 - one place where all of it meets
    kind: str,
    *,
    memory: InvalidatedMemory,
    lifetime: Lifetime,
    size_of: Callable[[Value], int],
    meters: Meters,
    now: Callable[[], float],
    chance: random.Random,
    is_enabled: bool = True,
) -> KindCache[Value]:
    """Return the cache of live objects in the worker's memory.

    Args:
        kind: one of `cache.keys.L1_KINDS`.
        memory: shared by all kinds of L1.
        lifetime: from the book.
        size_of: bytes that a value takes, roughly.
        meters: counts lookups.
        now: the clock of `memory`.
        chance: draws the jitter.
        is_enabled: False loads always and keeps nothing.
    """
    shelf = MemoryShelf(memory, lifetime=lifetime, size_of=size_of, now=now, chance=chance)
    return KindCache(kind, shelf, is_enabled=is_enabled, meters=meters)


def l2_kind(  # noqa: PLR0913 - one place where all of it meets
    kind: str,
    *,
    store: KeyValueStore,
    codec: Codec[Value],
    lifetime: Lifetime,
    journal: InvalidationJournal,
    timeout_seconds: float,
    meters: Meters,
    now: Callable[[], float],
    chance: random.Random,
    is_enabled: bool = True,
) -> KindCache[Value]:
    """Return the cache of encoded values in the shared store.

    Args:
        kind: one of `cache.keys.L2_KINDS`.
        store: shared by all kinds of L2.
        codec: value to bytes and back.
        lifetime: from the book.
        journal: says what was invalidated while a value was loaded, which is then not kept.
        timeout_seconds: longest wait for the store.
        meters: counts lookups.
        now: wall time, such as `time.time`.
        chance: draws the jitter.
        is_enabled: False loads always and keeps nothing.
    """
    shelf = StoreShelf(
        store,
        kind=kind,
        codec=codec,
        lifetime=lifetime,
        journal=journal,
        timeout_seconds=timeout_seconds,
        now=now,
        chance=chance,
    )
    return KindCache(kind, shelf, is_enabled=is_enabled, meters=meters)
