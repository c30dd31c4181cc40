"""One proxy for each test, on free ports."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.chaos.proxy.running import Rig

from opsctl.chaos.proxy.server import new_event_loop


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Run a proxy on the loop that the process would choose."""
    with Rig() as running:
        yield running


@pytest.fixture(params=[new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def either_rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Run a proxy on each loop: cuts and ends reach the kernel by other ways there."""
    with Rig(request.param) as running:
        yield running
