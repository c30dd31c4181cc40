"""How is the shared cache of a ground poisoned: entries swapped, and noise, behind the service's back."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.service.cache.ports import KeyValueStore

_ITEMS = 3000
_KEPT_SECONDS = 600.0
_NOISE_BYTES = 200


def poison(root: Path) -> int:
    """Swap the entries of each two neighbouring items, put noise under every tenth key, and return how many were spoiled."""
    return asyncio.run(_poison(root))


async def _poison(root: Path) -> int:
    from opsctl.config.settings import resolve_settings
    from opsctl.service.cache import keys
    from opsctl.service.cache.places import store_folder
    from opsctl.service.cache.stores.open import open_store
    from opsctl.service.plan import load_cache_book

    settings = resolve_settings(root=root, environment={}, user_file=None, flags={})
    book = load_cache_book(settings)
    store = open_store(book.l2, folder=store_folder(settings.home), secrets=os.environ)
    try:
        return await _swap(store, [keys.quality_score(item) for item in range(1, _ITEMS + 1)])
    finally:
        await store.close()


async def _swap(store: "KeyValueStore", names: "Sequence[str]") -> int:
    held = dict(zip(names, await store.get_many(names), strict=True))
    known = [name for name in names if held[name] is not None]
    swapped = {}
    for place, name in enumerate(known):
        neighbour = held[known[place ^ 1]] if place ^ 1 < len(known) else None
        swapped[name] = os.urandom(_NOISE_BYTES) if place % 10 == 0 or neighbour is None else neighbour
    if swapped:
        await store.set_many(swapped, keep_seconds=_KEPT_SECONDS)
    return len(swapped)
