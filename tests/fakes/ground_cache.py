"""What the shared cache of a ground holds, seen and put there as the service would."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from opsctl.cli.ground_poison import open_cache
from opsctl.service.cache import keys


def hold(root: Path, scores: Mapping[int, bytes]) -> None:
    """Put the bytes of items there."""

    async def put() -> None:
        store = open_cache(root)
        await store.set_many(
            {keys.quality_score(item): value for item, value in scores.items()}, keep_seconds=60
        )
        await store.close()

    asyncio.run(put())


def held(root: Path, item: int) -> bytes | None:
    """Return the bytes of an item."""

    async def get() -> bytes | None:
        store = open_cache(root)
        (value,) = await store.get_many([keys.quality_score(item)])
        await store.close()
        return value

    return asyncio.run(get())
