"""A drill reads what the service itself counts: its own page, with the key of the readers; no page is no figure."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.scratch_project import free_port

from opsctl.chaos.counters import Counting
from opsctl.chaos.expectations import ExpectedCounter
from opsctl.cli.chaos_counters import CountedWorld
from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters

KEY = {"authorization": "Bearer k"}


@dataclass
class Service:
    """What stands for the service: its real instruments, and the page that it makes of them."""

    url: str
    meters: Meters = field(default_factory=Meters)
    status: int = 200


@contextmanager
def counting_service() -> Iterator[Service]:
    """Serve `/metrics` to whoever has the key until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.path == "/metrics" and self.headers["authorization"] == KEY["authorization"]
            self.send_response(running.status if is_known else 401)
            self.end_headers()
            self.wfile.write(running.meters.render())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = Service(url=f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.05,), name="metrics", daemon=True).start()
        yield running
        server.shutdown()


@pytest.fixture
def service() -> Iterator[Service]:
    """Run one."""
    with counting_service() as running:
        yield running


def world_of(url: str | None, *, headers: dict[str, str] | None = None) -> CountedWorld:
    """Return the world of a ground whose readers ask this address."""
    traffic = SimpleNamespace(url=url, headers=KEY if headers is None else headers) if url else None
    ground = cast("Any", SimpleNamespace(traffic=traffic))
    return CountedWorld(ground, watchers=cast("Any", None), always=frozenset())


def growths(
    world: CountedWorld, expected: list[ExpectedCounter], *, meanwhile: Callable[[], None]
) -> list[float]:
    """Return by how much counters grow while something happens."""
    counting = Counting(expected, world=world)
    counting.begin()
    meanwhile()
    counting.end()
    return [each.growth for each in counting.seen]


def test_a_counter_grows_by_what_the_service_counted_meanwhile(service: Service) -> None:
    """What was counted before is left out; a label that is not named adds up all of its values."""
    one = ExpectedCounter(metric="ranking_model_calls_total", labels={"outcome": "invalid"})
    all_of_them = ExpectedCounter(metric="ranking_model_calls_total")
    service.meters.count(metrics.MODEL_CALLS, "invalid", by=100)

    def meanwhile() -> None:
        service.meters.count(metrics.MODEL_CALLS, "invalid", by=3)
        service.meters.count(metrics.MODEL_CALLS, "ok", by=4)

    assert growths(world_of(service.url), [one, all_of_them], meanwhile=meanwhile) == [3, 7]


def test_a_label_that_was_never_counted_grows_by_nothing(service: Service) -> None:
    """Which a drill tells from a page that cannot be read."""
    never = ExpectedCounter(metric="ranking_model_calls_total", labels={"outcome": "no such"})

    assert growths(world_of(service.url), [never], meanwhile=lambda: None) == [0]


@pytest.mark.parametrize("why", ["another key", "an error", "nobody", "no readers"])
def test_a_page_that_cannot_be_read_is_no_figure(service: Service, why: str) -> None:
    """Neither zero nor a traceback: the drill says that it could not be asked."""
    expected = [ExpectedCounter(metric="ranking_model_calls_total")]
    service.status = 500 if why == "an error" else 200
    world = {
        "another key": world_of(service.url, headers={"authorization": "Bearer other"}),
        "an error": world_of(service.url),
        "nobody": world_of(f"http://127.0.0.1:{free_port()}"),
        "no readers": world_of(None),
    }[why]

    assert world.counters() == ()
    assert growths(world, expected, meanwhile=lambda: None) == []


def test_a_service_that_dies_meanwhile_gives_no_figure(service: Service) -> None:
    """Nobody knows what it counted before it died."""
    expected = [ExpectedCounter(metric="ranking_model_calls_total")]

    def dies() -> None:
        service.status = 503

    assert growths(world_of(service.url), expected, meanwhile=dies) == []


def test_a_service_that_begins_anew_meanwhile_counts_from_zero(service: Service) -> None:
    """As Prometheus does; else its counters would grow by less than nothing."""
    expected = [ExpectedCounter(metric="ranking_model_calls_total")]
    service.meters.count(metrics.MODEL_CALLS, "ok", by=100)

    def begins_anew() -> None:
        service.meters = Meters()
        service.meters.count(metrics.MODEL_CALLS, "ok", by=5)

    assert growths(world_of(service.url), expected, meanwhile=begins_anew) == [5]
