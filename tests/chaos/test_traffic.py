"""No reader of a drill vanishes: one whose feed is broken, or who cannot even ask, is counted as one who missed."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.fakes.clock import FakeClock

from opsctl.chaos.sample import NoFeed, Sample
from opsctl.chaos.steady_clock import SteadyClock
from opsctl.chaos.traffic import Rates, Traffic

FEED = b'{"tier": "multi_agent", "items": [1, 2]}'


@contextmanager
def service(body: bytes = FEED, *, hangs: threading.Event | None = None) -> Iterator[str]:
    """Serve one body to all, who wait until the event is set."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if hangs is not None:
                hangs.wait(20)
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        if hangs is not None:
            hangs.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def samples_of(traffic: Traffic, *, number: int, within: float = 10.0) -> list[Sample]:
    """Return so many samples, as soon as they are there."""
    found: list[Sample] = []
    until = time.monotonic() + within
    while len(found) < number and time.monotonic() < until:
        time.sleep(0.05)
        found += traffic.take_samples()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [b"<html>", b"", b"[]", b"null", b'{"tier": "simple"}', b'{"items": []}', b'{"tier": "a", "items": 3}', b"\xff{"],
)  # fmt: skip
def test_an_answer_with_a_broken_body_is_a_failure_whatever_its_status_says(body):
    """It would else be counted as nothing at all."""
    with service(body) as url, Traffic(url, key="k", known_readers=3) as traffic:
        traffic.change(Rates(returning=40))
        found = samples_of(traffic, number=3)

    assert len(found) >= 3
    assert {each.status for each in found} == {NoFeed.BROKEN}
    assert not any(each.is_answered or each.is_good for each in found)


@pytest.mark.slow
def test_a_whole_feed_is_a_good_sample():
    """With its tier and its items."""
    with service() as url, Traffic(url, key="k", known_readers=3) as traffic:
        traffic.change(Rates(returning=40))
        found = samples_of(traffic, number=3)

    assert {(each.status, each.tier, each.items, each.is_fresh) for each in found} == {(200, "multi_agent", 2, True)}  # fmt: skip


def test_a_reader_who_cannot_even_ask_because_others_hang_is_counted_as_bad():
    """Two may wait; all the others get no answer either."""
    hangs = threading.Event()
    with (
        service(hangs=hangs) as url,
        Traffic(url, key="k", known_readers=3, most_at_once=2) as traffic,
    ):
        traffic.change(Rates(new=40))
        found = samples_of(traffic, number=5)
        hangs.set()

    assert len(found) >= 5
    assert {each.status for each in found} == {NoFeed.UNSENT}
    assert not any(each.is_good for each in found)


@pytest.mark.slow
def test_who_presses_takes_no_place_of_a_reader():
    """A batch that hangs is nobody's feed."""
    hangs = threading.Event()
    with (
        service(hangs=hangs) as url,
        Traffic(url, key="k", known_readers=3, most_at_once=10) as traffic,
    ):
        traffic.change(Rates(press="batch", press_per_second=50))
        time.sleep(1.0)  # far more than ten of them hang now
        traffic.change(Rates(new=5))
        time.sleep(0.3)  # one or two readers wait beside them
        traffic.change(Rates())
        hangs.set()
        found = samples_of(traffic, number=1)

    assert found
    assert {each.status for each in found} == {200}


@pytest.mark.slow
def test_samples_are_stamped_with_the_time_of_whoever_watches():
    """However far the wall clock of the machine is from it."""
    clock = FakeClock()
    with service() as url, Traffic(url, key="k", known_readers=3) as traffic:
        traffic.follow(SteadyClock(clock))
        traffic.change(Rates(returning=40))
        found = samples_of(traffic, number=2)

    assert [each.at for each in found] == pytest.approx([clock.now().timestamp()] * len(found), abs=0.1)


def test_a_wall_clock_that_jumps_moves_no_steady_clock():
    """It was read once."""
    wall = FakeClock()
    steady = SteadyClock(wall)
    wall.sleep(5)
    before = steady.at()

    wall.moment = wall.moment.replace(year=wall.moment.year + 1)

    assert steady.at() == pytest.approx(before, abs=0.1)
    assert steady.now().timestamp() == pytest.approx(before, abs=0.1)
