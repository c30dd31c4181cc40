"""The exporter prices the traffic of now: what readers asked for, and what had to be made, between two looks at the service."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.command import run_opsctl
from tests.cli.test_costs import Shop

from opsctl.cli import wiring
from opsctl.cli.costs_exporting import CostsReader
from opsctl.core.clock import SystemClock
from opsctl.metrics import exporters as metrics


class Service:
    """Answers `/metrics` with as many feeds as it is told."""

    def __init__(self) -> None:
        self.feeds = 0
        self.made = 0

    @contextmanager
    def running(self) -> Iterator[str]:
        """Serve until the block ends, and give the address."""
        service = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = (
                    f'ranking_requests_total{{route="feed",status="2xx"}} {service.feeds}\n'
                    f'ranking_feeds_total{{tier="multi_agent",segment="cold"}} {service.made}\n'
                )
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class SteppingClock:
    """A clock that is a minute later each time it is asked."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._seconds = 0.0

    def now(self) -> Any:
        """Return the wall time."""
        return self._real.now()

    def monotonic(self) -> float:
        """Return a minute more than the last time."""
        self._seconds += 60
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._seconds += seconds


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Give a service of a project in which everything was measured."""
    made, shop = Service(), Shop(tmp_path)
    shop.prove_all()
    with made.running() as address:
        (tmp_path / "opsctl.yaml").write_text(yaml.safe_dump({"service": {"url": address}}))
        monkeypatch.setitem(wiring._chosen, "root", tmp_path)
        wiring.settings.cache_clear()
        yield made
    wiring.settings.cache_clear()


def told(reader: CostsReader) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return what Prometheus is told, by metric and labels."""
    return {(value.metric.name, value.labels): value.number for value in reader.read()}


TRAFFIC = (metrics.COST_TRAFFIC.name, ())
USED = (metrics.COST_BUDGET_USED.name, ("traffic",))


def test_a_rate_needs_two_looks(service: Service):
    """So the first one tells of no traffic, and neither does one since which nobody asked."""
    reader = CostsReader(clock=SteppingClock())

    assert TRAFFIC not in told(reader)
    assert TRAFFIC not in told(reader)
    service.feeds, service.made = 600, 60
    assert told(reader)[TRAFFIC] > 0


@pytest.mark.slow
def test_ten_feeds_a_second_that_are_all_made_cost_more_than_the_budget(service: Service):
    """26 million feeds a month, each with a search, statements and calls of the model; from the caches they are cheap."""
    made, stored = CostsReader(clock=SteppingClock()), CostsReader(clock=SteppingClock())
    told(made)
    service.feeds, service.made = 600, 600
    all_made = told(made)
    told(stored)
    service.feeds, service.made = 1200, 600
    all_stored = told(stored)

    assert all_made[USED] > 1 > all_stored[USED]
    assert all_made[USED] == pytest.approx(all_made[TRAFFIC] / 500)


@pytest.mark.slow
def test_a_service_that_began_anew_tells_nothing(service: Service):
    """Counters that went back are no traffic."""
    reader = CostsReader(clock=SteppingClock())
    service.feeds, service.made = 1000, 500
    told(reader)
    service.feeds, service.made = 10, 5

    assert TRAFFIC not in told(reader)
    service.feeds, service.made = 5000, 2  # again, and it was asked for much at once
    assert TRAFFIC not in told(reader)


@pytest.mark.slow
def test_the_command_tells_the_newest_estimate(tmp_path: Path):
    """As Prometheus reads it."""
    shop = Shop(tmp_path)
    shop.prove_all()
    usd = shop.data()["points"]["average"]["month_usd"]

    exported = run_opsctl("metrics", "export", "--once", "--family", "costs", folder=tmp_path)

    assert exported.exit_code == 0
    lines = dict(line.rsplit(" ", 1) for line in exported.stdout.splitlines() if not line.startswith("#"))
    assert float(lines['opsctl_cost_month_dollars{point="average"}']) == pytest.approx(usd)
    assert float(lines['opsctl_cost_budget_used_ratio{of="plan"}']) == pytest.approx(usd / 500)
