"""Which services are held against the contract of the API's ports: each factory gives one, with an empty catalogue."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from tests.fakes.service_ports import FakeService

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


FACTORIES: dict[str, Factory] = {"in_memory": in_memory}
"""A real service is added here; what it needs of fixtures it asks of `request`."""
