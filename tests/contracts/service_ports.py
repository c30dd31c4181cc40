"""Which services are held against the contract of the API's ports: each factory gives one, with an empty catalogue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from tests.fakes.service_ports import FakeService
from tests.service.feed.world import World, worker

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.service.api.ports import Contents, Feeds, Interactions


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePorts:
    """The ports of one service.

    Args:
        vendor_ids: two vendors that exist; no other does.
        settle: wait until feeds can hold what was written so far.
    """

    feeds: Feeds
    interactions: Interactions
    contents: Contents
    vendor_ids: tuple[int, int]
    settle: Callable[[], Awaitable[None]]


Factory = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[ServicePorts]]


@asynccontextmanager
async def in_memory(request: pytest.FixtureRequest) -> AsyncIterator[ServicePorts]:
    """Give the fake."""

    async def at_once() -> None:
        """Everything is there already."""

    service = FakeService(vendors={1, 2}, now=lambda: datetime.now(UTC))
    yield ServicePorts(
        feeds=service, interactions=service, contents=service, vendor_ids=(1, 2), settle=at_once
    )


@asynccontextmanager
async def over_real_servers(request: pytest.FixtureRequest) -> AsyncIterator[ServicePorts]:
    """Give the service's own parts over PostgreSQL, a vector node and LMDB."""
    world = World(
        database=request.getfixturevalue("database"),
        vectors=QdrantPlace(url=request.getfixturevalue("vector_node").url),
        collection=f"contract_{uuid4().hex[:8]}",
    )
    first, second = (
        world.execute("insert into vendors (name, region) values (%s, 'Queens') returning id", [name])[0][0]
        for name in ("Press", "Darkroom")
    )
    world.write_vectors()
    async with worker(world, request.getfixturevalue("tmp_path") / "service") as one:

        async def follow() -> None:
            while await one.follower.step():
                pass
            await one.parts.board.refresh()

        try:
            yield ServicePorts(
                feeds=one.parts.builder,
                interactions=one.interactions,
                contents=one.contents,
                vendor_ids=(first, second),
                settle=follow,
            )
        finally:
            with QdrantStore(world.vectors) as store:
                store.delete_collection(world.collection)


FACTORIES: dict[str, Factory] = {"in_memory": in_memory, "over_real_servers": over_real_servers}
"""What a service needs of fixtures it asks of `request`."""
