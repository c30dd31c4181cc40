"""A slow bucket leads to a request that was slow, whichever worker answered it and whichever is scraped."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.scratch_project import free_port
from tests.service.edge.world import KEY, Time

from opsctl.metrics import service as metrics
from opsctl.service.telemetry.exemplars import Exemplars, Kept
from opsctl.service.telemetry.facts import REFRESH, RequestFacts

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PROMETHEUS = shutil.which("prometheus")
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
CONFIGURATION = """
global: {{scrape_interval: 200ms}}
scrape_configs:
  - job_name: service
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def facts(**changes: Any) -> RequestFacts:
    """Return the facts of a request of 42 ms, changed."""
    values: dict[str, Any] = {
        "route": "feed",
        "method": "GET",
        "status": 200,
        "duration_seconds": 0.042,
        "bytes_sent": 1,
        "request_id": "r",
        "trace_id": TRACE,
        "span_id": SPAN,
    }
    return RequestFacts(**(values | changes))


def exemplars_of(folder: Path, **clock: Callable[[], float]) -> Exemplars:
    """Return the exemplars of a worker that writes there."""
    return Exemplars(folder, **clock)


def test_the_newest_of_each_route_and_bucket_is_kept(tmp_path):
    """Whoever came before in the same bucket is forgotten; other routes and buckets have their own."""
    clock = Time(1_800_000_000.0)
    worker = exemplars_of(tmp_path, now=clock)
    worker.note(facts(trace_id="1" * 32))
    clock.now += 1
    worker.note(facts(trace_id="2" * 32, duration_seconds=0.049))
    worker.note(facts(trace_id="3" * 32, duration_seconds=0.051))
    worker.note(facts(trace_id="4" * 32, route="trending"))
    worker.note(facts(trace_id="5" * 32, duration_seconds=99.0))

    bounds = metrics.REQUEST_SECONDS.buckets
    assert {key: kept.trace_id[0] for key, kept in worker.newest().items()} == {
        ("feed", bounds.index(0.05)): "2",
        ("feed", bounds.index(0.075)): "3",
        ("trending", bounds.index(0.05)): "4",
        ("feed", len(bounds)): "5",
    }


@given(st.lists(st.floats(0, 10), max_size=200))
def test_however_many_requests_come_the_memory_is_bounded(durations):
    """One for each bucket, and each stands in the bucket that it was counted in."""
    worker = Exemplars(None)
    for seconds in durations:
        worker.note(facts(duration_seconds=seconds))

    bounds = (*metrics.REQUEST_SECONDS.buckets, float("inf"))
    assert all(
        (bounds[bucket - 1] if bucket else -1.0) < kept.seconds + 1e-9
        and kept.seconds <= bounds[bucket] + 1e-9
        for (_, bucket), kept in worker.newest().items()
    )
    assert len(worker.newest()) <= len(bounds)


@pytest.mark.parametrize("changes", [{"trace_id": ""}, {"cache": REFRESH}], ids=["no trace", "not counted"])
def test_what_stands_in_no_bucket_is_no_exemplar(tmp_path, changes):
    """A request without a trace leads nowhere; a feed made in the background was no request."""
    worker = exemplars_of(tmp_path)

    worker.note(facts(**changes))

    assert worker.newest() == {}


def test_those_of_other_workers_are_told_while_they_are_new(tmp_path):
    """The newest wins; after ten minutes nobody looks for its trace any more; damaged files cost nothing else."""
    clock = Time(1_800_000_000.0)
    own = exemplars_of(tmp_path, now=clock)
    own.note(facts(trace_id="1" * 32))
    other = [
        ["feed", 9, "2" * 32, SPAN, 0.04, clock.now + 1],
        ["ready", 3, "3" * 32, SPAN, 0.001, clock.now - 700],
    ]
    (tmp_path / "exemplars-1.json").write_text(json.dumps(other))
    (tmp_path / "exemplars-2.json").write_text('[["feed", 9')
    (tmp_path / "exemplars-3.json").write_text('[["feed", 9, 1]]')
    (tmp_path / "exemplars-4.json").write_bytes(b"\xff")

    assert own.newest() == {("feed", 9): Kept("2" * 32, SPAN, 0.04, clock.now + 1)}


def test_a_file_is_written_whole_and_only_when_something_is_new(tmp_path):
    """Readers never see half of one; a folder that is gone costs exemplars and nothing else."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    worker, file = exemplars_of(folder), folder / f"exemplars-{os.getpid()}.json"
    worker.write()
    assert not file.exists()

    worker.note(facts())
    worker.write()
    assert json.loads(file.read_text())[0][2] == TRACE
    file.unlink()
    worker.write()
    assert not file.exists()

    shutil.rmtree(folder)
    worker.note(facts())
    worker.write()
    assert worker.newest()


def test_they_are_written_until_the_worker_is_told_to_stop(tmp_path):
    """And what came last is there when it ends."""

    async def work() -> None:
        stop, worker = asyncio.Event(), exemplars_of(tmp_path)
        running = asyncio.create_task(worker.run(stop))
        await asyncio.sleep(0)
        worker.note(facts())
        stop.set()
        await running

    asyncio.run(work())

    assert len(list(tmp_path.glob("exemplars-*.json"))) == 1


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Two workers of one service, and a real Prometheus that scrapes the second one, where it is installed."""

    one: str
    other: str
    prometheus: str


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Start all at once, because each takes seconds to begin, and end them by their ids."""
    ports, figures = [free_port() for _ in range(3)], tmp_path_factory.mktemp("figures")
    commands = [
        [sys.executable, "-m", "tests.service.telemetry.worker_process", str(port)] for port in ports[:2]
    ]
    if PROMETHEUS is not None:
        folder = tmp_path_factory.mktemp("prometheus")
        (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=ports[1]))
        flags = ["--enable-feature=exemplar-storage", "--log.level=error"]
        places = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
        commands.append([PROMETHEUS, *flags, *places, f"--web.listen-address=127.0.0.1:{ports[2]}"])
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(figures), "PYTHONPATH": ":".join(sys.path)}
    processes = [subprocess.Popen(command, env=environment) for command in commands]
    try:
        one, other, prometheus = (f"http://127.0.0.1:{port}" for port in ports)
        for url in (one, other):
            wait_for(partial(is_alive, url))
        yield Watched(one=one, other=other, prometheus=prometheus)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def is_alive(url: str) -> bool:
    """Tell whether a worker answers."""
    return httpx.get(f"{url}/healthz").status_code == 200


def wait_for(is_so: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    """Return what comes as soon as it is something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = is_so()
        except httpx.TransportError:
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to be in time")


def ask(url: str, *, trace: str) -> None:
    """Ask a worker for a feed, as part of a trace."""
    headers = {"Authorization": f"Bearer {KEY}", "traceparent": f"00-{trace}-{SPAN}-01"}
    assert httpx.get(f"{url}/v1/feed/7", headers=headers).status_code == 200


def test_the_page_of_any_worker_holds_the_exemplars_of_all(watched):
    """As OpenMetrics, which the library's strict reader understands; whoever asks for plain text gets none."""
    ask(watched.one, trace="a" * 32)
    as_openmetrics = partial(httpx.get, f"{watched.other}/metrics", headers={"Accept": OPENMETRICS})

    answer = wait_for(lambda: answer if "a" * 32 in (answer := as_openmetrics()).text else None)
    plain = httpx.get(f"{watched.other}/metrics", headers={"Accept": "text/plain"})

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert plain.headers["content-type"].startswith("text/plain")
    assert " # {" not in plain.text
    found = [
        (sample.labels["route"], sample.exemplar.labels["trace_id"])
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.exemplar is not None and sample.labels["route"] == "feed"
    ]
    assert found == [("feed", "a" * 32)]


@pytest.mark.slow
@pytest.mark.skipif(PROMETHEUS is None, reason="needs Debian's prometheus")
def test_prometheus_leads_from_the_histogram_to_the_trace(watched):
    """A real one, asked for exemplars as Grafana asks."""
    ask(watched.one, trace="b" * 32)
    query = 'ranking_request_duration_seconds_bucket{route="feed"}'

    def stored() -> dict[str, Any] | None:
        now = time.time()
        span = {"query": query, "start": str(now - 60), "end": str(now + 60)}
        answer = httpx.get(f"{watched.prometheus}/api/v1/query_exemplars", params=span)
        exemplars = [each for series in answer.json()["data"] for each in series["exemplars"]]
        return next((each for each in exemplars if each["labels"]["trace_id"] == "b" * 32), None)

    exemplar = wait_for(stored)

    assert len(exemplar["labels"]["span_id"]) == 16
    assert exemplar["labels"]["span_id"] != SPAN
    assert float(exemplar["value"]) >= 0
