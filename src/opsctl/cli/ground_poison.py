"""How is the shared cache of a ground poisoned: entries swapped, and noise, behind the service's back."""

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.errors import NotReadyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opsctl.service.cache.ports import KeyValueStore

_ITEMS = 3000
_KEPT_SECONDS = 600.0
_NOISE_BYTES = 200


def poison(root: Path) -> int:
    """Swap the entries of each two neighbouring items, put noise under every tenth key, and return how many were spoiled."""
    return asyncio.run(_poison(root))


def cleanse(root: Path) -> None:
    """Remove what `poison` wrote; harmless where it wrote nothing.

    Raises:
        NotReadyError: CHA067 the cache does not answer.
    """
    from opsctl.service.cache.ports import StoreError

    if not _list_path(root).is_file():
        return
    try:
        asyncio.run(_cleanse(root))
    except StoreError as error:
        raise NotReadyError(
            "the shared cache of the proving ground cannot be cleansed",
            code="CHA067",
            why=str(error),
            fix="look at the ground: opsctl --project .opsctl/proving stack status",
        ) from error
    _list_path(root).unlink()


async def _poison(root: Path) -> int:
    from opsctl.clients.files import write_atomically
    from opsctl.service.cache import keys

    store = open_cache(root)
    try:
        spoiled = await _swapped(store, [keys.quality_score(item) for item in range(1, _ITEMS + 1)])
        if spoiled:
            # Written down before it is there, so that any process can take it back.
            write_atomically(_list_path(root), json.dumps(sorted(spoiled)))
            await store.set_many(spoiled, keep_seconds=_KEPT_SECONDS)
        return len(spoiled)
    finally:
        await store.close()


async def _cleanse(root: Path) -> None:
    store = open_cache(root)
    try:
        await store.delete_many(json.loads(_list_path(root).read_text(encoding="utf-8")))
    finally:
        await store.close()


def open_cache(root: Path) -> "KeyValueStore":
    """Return the shared cache of a ground, as its service has it."""
    from opsctl.config.settings import resolve_settings
    from opsctl.service.cache.places import store_folder
    from opsctl.service.cache.stores.open import open_store
    from opsctl.service.plan import load_cache_book

    settings = resolve_settings(root=root, environment={}, user_file=None, flags={})
    return open_store(load_cache_book(settings).l2, folder=store_folder(settings.home), secrets=os.environ)


def _list_path(root: Path) -> Path:
    return root / ".opsctl" / "chaos" / "poisoned.json"


async def _swapped(store: "KeyValueStore", names: "Sequence[str]") -> dict[str, bytes]:
    """Return what is to stand under each key that is held."""
    held = dict(zip(names, await store.get_many(names), strict=True))
    known = [name for name in names if held[name] is not None]
    swapped = {}
    for place, name in enumerate(known):
        neighbour = held[known[place ^ 1]] if place ^ 1 < len(known) else None
        swapped[name] = os.urandom(_NOISE_BYTES) if place % 10 == 0 or neighbour is None else neighbour
    return swapped
