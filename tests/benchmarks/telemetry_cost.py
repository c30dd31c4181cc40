"""What do metrics, logs and traces cost the cached feed, and how long does a scrape take meanwhile?

    python -m tests.benchmarks.telemetry_cost [--turns 16] [--seconds 3] [--users 200]

The same service runs twice, one worker each, once with all instrumentation switched off; they take turns under wrk, and
the ratio of their throughput has an interval over the turns. The processor time of the workers is told beside it: it
does not depend on what else the machine does. Then `/metrics` of a service with two workers is scraped five times a
second while feeds are asked for at planned times.
"""

import argparse
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psutil
from tests.benchmarks.rows import Spread, at_least, at_most, tell
from tests.benchmarks.sending import get, run_load
from tests.scratch_project import RunningService, ScratchProject, scratch_project

from opsctl.service.telemetry.silent import INSTRUMENTATION_VARIABLE
from opsctl.vectors.statistics import MINIMUM_BLOCKS, ratio_of_quantiles

TELLING, SILENT, SCRAPED = 9961, 9962, 9963
LEAST_SHARE = 0.90
"""Instrumentation may cost the cached feed a tenth of its throughput."""

LONGEST_SCRAPE_MILLISECONDS = 20.0
_SCRAPES_A_SECOND = 5
_BUILDING_RATE = 80.0
_OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one service did in one turn."""

    rate: float
    cpu_microseconds: float


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        project = closing.enter_context(
            scratch_project(Path(folder) / "project", items=arguments.items, users=arguments.users)
        )
        key = project.opsctl("security", "keys", "create", "--name", "bench", "--plan", "bench")["key"]
        _print_cost(project, arguments, key=key)
        _print_scrapes(project, arguments, key=key)


def _print_cost(project: ScratchProject, arguments: argparse.Namespace, *, key: str) -> None:
    project.change_books(service={"workers": 1})
    with (
        project.service(port=TELLING) as telling,
        project.service(port=SILENT, environment={INSTRUMENTATION_VARIABLE: "off"}) as silent,
    ):
        services = {"as it is": telling, "instrumentation off": silent}
        turns: dict[str, list[Turn]] = {name: [] for name in services}
        for service in services.values():
            _turn(service, key=key, seconds=arguments.seconds)  # not counted: the feed is made and kept
        for number in range(arguments.turns):
            for name in services if number % 2 == 0 else reversed(services):
                turns[name].append(_turn(services[name], key=key, seconds=arguments.seconds))
    print(f"cached feed, one worker, 32 connections, {arguments.turns} turns of {arguments.seconds} s each")
    for name, each in turns.items():
        rate, cpu = (
            float(np.median([getattr(turn, figure) for turn in each]))
            for figure in ("rate", "cpu_microseconds")
        )
        print(f"  {name:22} {rate:>9,.0f} requests/s, {cpu:.1f} us of CPU a request")
    kept, cost = _ratio(turns, "rate"), _ratio(turns, "cpu_microseconds")
    row = tell(
        "telemetry_cost",
        "throughput of the cached feed with metrics, logs and traces",
        kept,
        unit="x",
        against="the same service without any of them",
        target=at_least(LEAST_SHARE),
    )
    print(f"  throughput, as it is / off: {_text(kept)}   at least {LEAST_SHARE:.2f}: {row.verdict}")
    print(f"  CPU a request, as it is / off: {_text(cost)}")
    tell(
        "telemetry_cost",
        "CPU of a cached feed with metrics, logs and traces",
        cost,
        unit="x",
        against="the same service without any of them",
    )


def _ratio(turns: dict[str, list[Turn]], figure: str) -> Spread:
    told, off = (
        np.array([[getattr(turn, figure)] for turn in turns[name]])
        for name in ("as it is", "instrumentation off")
    )
    found = ratio_of_quantiles(told, off, 0.5, seed=7)
    if found is None:
        raise SystemExit(f"at least {MINIMUM_BLOCKS} turns make an interval")
    return Spread(value=found.value, least=found.low, most=found.high, is_interval=True)


def _text(ratio: Spread) -> str:
    return f"{ratio.value:.3f} ({ratio.least:.3f} to {ratio.most:.3f})"


def _turn(service: RunningService, *, key: str, seconds: int) -> Turn:
    before = _cpu_seconds(service)
    done = subprocess.run(
        [
            *("wrk", "-t1", "-c32", f"-d{seconds}", "-H", f"Authorization: Bearer {key}"),
            f"{service.url}/v1/feed/1",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"{service.url} answered errors:\n{done.stdout}")
    rate, count = (
        re.search(r"Requests/sec:\s+([\d.]+)", done.stdout),
        re.search(r"(\d+) requests in", done.stdout),
    )
    assert rate is not None
    assert count is not None
    return Turn(rate=float(rate[1]), cpu_microseconds=(_cpu_seconds(service) - before) / int(count[1]) * 1e6)


def _cpu_seconds(service: RunningService) -> float:
    times = [each.cpu_times() for each in psutil.Process(service.process.pid).children(recursive=True)]
    return sum(each.user + each.system for each in times)


def _print_scrapes(project: ScratchProject, arguments: argparse.Namespace, *, key: str) -> None:
    project.change_books(service={"workers": 2})
    requests = [get(f"/v1/feed/{user}", key=key) for user in range(1, arguments.users + 1)]
    with project.service(port=SCRAPED) as service:
        # So often that each worker has made the feed of every user, and every route once: all series there come to be.
        run_load(SCRAPED, requests=requests, rate=_BUILDING_RATE, seconds=8 * len(requests) / _BUILDING_RATE)
        for path in ("/v1/trending", "/v1/content/1", "/readyz", "/docs", "/nowhere", "/v1/feed/none"):
            httpx.get(f"{service.url}{path}", headers={"Authorization": f"Bearer {key}"})
        for rate in (0.0, arguments.rate):
            with _scraping(service) as took:
                if rate:
                    load = run_load(SCRAPED, requests=requests, rate=rate, seconds=15.0)
                    meanwhile = f"feeds p99 {load.quantile_milliseconds(0.99):.2f} ms, errors {load.errors}"
                else:
                    time.sleep(8)
                    meanwhile = "nothing else asked"
            _print_times(took, rate=rate, meanwhile=meanwhile)
        page = httpx.get(f"{service.url}/metrics").content
        samples = sum(not line.startswith(b"#") for line in page.splitlines())
        print(f"  page: {samples} samples, {len(page) / 1024:.0f} KiB")


def _print_times(took: list[float], *, rate: float, meanwhile: str) -> None:
    p50, p95, p99, longest = np.quantile(np.array(took) * 1000, (0.5, 0.95, 0.99, 1.0))
    row = tell(
        "telemetry_cost",
        f"a scrape of two workers {f'under {rate:,.0f} feeds/s' if rate else 'at rest'}, p99",
        float(p99),
        unit="ms",
        target=at_most(LONGEST_SCRAPE_MILLISECONDS),
    )
    print(
        f"scrape of two workers at {rate:,.0f} feeds/s, {len(took)} scrapes: p50 {p50:.1f} ms, p95 {p95:.1f} ms, "
        f"p99 {p99:.1f} ms, longest {longest:.1f} ms   p99 below {LONGEST_SCRAPE_MILLISECONDS:.0f} ms: {row.verdict}   "
        f"({meanwhile})"
    )


@contextmanager
def _scraping(service: RunningService) -> Iterator[list[float]]:
    took: list[float] = []
    ended = threading.Event()

    def scrape() -> None:
        # A connection for each, so that both workers are asked; opening it is not what is measured.
        while not ended.wait(1 / _SCRAPES_A_SECOND):
            with httpx.Client(base_url=service.url, headers={"Accept": _OPENMETRICS}, timeout=10) as client:
                client.get("/healthz")
                began = time.perf_counter()
                client.get("/metrics").raise_for_status()
                took.append(time.perf_counter() - began)

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield took
    finally:
        ended.set()
        thread.join()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=re.sub(r"\n\n.*", "", str(__doc__), flags=re.DOTALL))
    parser.add_argument("--turns", type=int, default=16, help="turns of each")
    parser.add_argument("--seconds", type=int, default=3, help="length of one turn under wrk")
    parser.add_argument("--rate", type=float, default=4000.0, help="feeds a second while it is scraped")
    parser.add_argument("--items", type=int, default=5000, help="items of the catalogue")
    parser.add_argument("--users", type=int, default=200, help="users, each with a cached feed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
