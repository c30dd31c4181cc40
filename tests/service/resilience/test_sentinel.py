"""The sentinel: it finds wrong answers that look right, and only those."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from opsctl.clients.qdrant_async import Hits
from opsctl.core.errors import NotReadyError
from opsctl.service.resilience.sentinel import Sentinel
from opsctl.service.telemetry.meters import Meters

VECTORS = {item: np.eye(8, dtype=np.float32)[item] for item in range(8)}


class Database:
    """Knows eight items; what it answers is moved by `shift`."""

    def __init__(self) -> None:
        self.shift = 0
        self.is_gone = False

    async def vectors(self, collection: str, ids: Sequence[int]) -> dict[int, Any]:
        """Return what is stored."""
        return {item: VECTORS[item] for item in ids}

    async def search(self, collection: str, *, vector: Any, limit: int) -> Hits:
        """Return the nearest item, or another one."""
        if self.is_gone:
            raise NotReadyError("gone", code="COL001")
        nearest = (int(np.argmax(vector)) + self.shift) % 100
        return Hits(ids=(nearest,), scores=(1.0,), engine_seconds=0.0, client_seconds=0.0)


class Isolated:
    """Remembers what was isolated."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def isolate(self, name: str, *, seconds: float, owner: str, reason: str) -> None:
        """Remember it."""
        assert name == "vectors"
        assert seconds > 2.0, "longer than until the next look"
        self.reasons.append(reason)


def sentinel(
    database: Database, isolated: Isolated, meters: Meters, *, popular: Sequence[int] = range(5)
) -> Sentinel:
    """Return a sentinel that looks each two seconds."""
    return Sentinel(
        database,  # type: ignore[arg-type]
        collection="content",
        popular=lambda: popular,
        protection=isolated,
        every_seconds=2.0,
        meters=meters,
    )


def test_wrong_items_with_good_scores_isolate_the_vectors_until_they_are_right_again() -> None:
    """Each look that finds them prolongs it."""

    async def story() -> tuple[list[bool], list[str], float | None]:
        database, isolated, meters = Database(), Isolated(), Meters()
        watch = sentinel(database, isolated, meters)
        looks = [await watch.look()]
        database.shift = 3
        looks += [await watch.look(), await watch.look()]
        value = meters.registry.get_sample_value("ranking_sentinel_ok")
        database.shift = 0
        looks.append(await watch.look())
        return looks, isolated.reasons, value

    looks, reasons, value = asyncio.run(story())
    assert looks == [True, False, False, True]
    assert reasons == ["0 of 5 items are their own nearest neighbours"] * 2
    assert value == 0


def test_an_outage_is_not_the_sentinels_business() -> None:
    """The breaker sees it."""

    async def story() -> None:
        database, isolated = Database(), Isolated()
        watch = sentinel(database, isolated, Meters())
        await watch.look()
        database.is_gone = True
        with pytest.raises(NotReadyError):
            await watch.look()
        assert isolated.reasons == []

    asyncio.run(story())


def test_where_nothing_is_known_nothing_is_concluded() -> None:
    """An empty catalogue is no lie."""
    assert asyncio.run(sentinel(Database(), Isolated(), Meters(), popular=()).look())
