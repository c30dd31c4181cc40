"""The API over a service in memory, called in process; and a live one, for what needs a server."""

import os
from collections.abc import Iterator

import pytest
from tests.fakes.service_ports import FakeService, filled_service
from tests.service.api.in_process import InProcessClient
from tests.service.api.live import LiveService, running_service

from opsctl.service.api.app import make_api
from opsctl.service.book import Limits, ServiceBook
from opsctl.service.cache.policy import CacheBook
from opsctl.service.telemetry.meters import Meters


@pytest.fixture
def service() -> FakeService:
    """Give a service with thirty items."""
    return filled_service()


@pytest.fixture
def meters() -> Meters:
    """Give meters of their own."""
    return Meters()


@pytest.fixture
def client(service: FakeService, meters: Meters) -> Iterator[InProcessClient]:
    """Give a client of the API alone; batches hold at most five interactions, and it is noon of a fixed day."""
    api = make_api(
        feeds=service,
        interactions=service,
        contents=service,
        readiness=service,
        book=ServiceBook(limits=Limits(batch_interactions=5)),
        cache_book=CacheBook(),
        meters=meters,
        now=lambda: service.now().timestamp(),
    )
    made = InProcessClient(api)
    yield made
    made.close()


@pytest.fixture(scope="module")
def live_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """Give a service on loopback, or the one that OPSCTL_LIVE_URL and OPSCTL_LIVE_KEY name."""
    if url := os.environ.get("OPSCTL_LIVE_URL"):
        yield LiveService(url=url, key=os.environ["OPSCTL_LIVE_KEY"])
        return
    with running_service(tmp_path_factory.mktemp("served")) as service:
        yield service
