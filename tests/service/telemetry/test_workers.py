"""Several workers, one page of metrics: real processes, one of them killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from opsctl.core.errors import NotReadyError
from opsctl.metrics import service as metrics
from opsctl.service.telemetry.workers import (
    exemplars_name,
    forget_dead_workers,
    forget_worker,
    prepare_metrics_folder,
)

WORKER = """
import sys
from opsctl.metrics import service as metrics
from opsctl.service.telemetry.meters import Meters
meters, number = Meters(), float(sys.argv[1])
meters.count(metrics.MODEL_TOKENS, "input", by=number)
meters.observe(metrics.REQUEST_SECONDS, "feed", value=number / 1000)
meters.set(metrics.REQUESTS_IN_FLIGHT, to=number)
meters.set(metrics.THOMPSON_PENDING, to=number)
print("counted", flush=True)
sys.stdin.read()
"""
SCRAPE = """
import sys
from opsctl.service.telemetry.meters import Meters
sys.stdout.buffer.write(Meters().render())
"""
TOUCH_AND_SCRAPE = """
import sys
from tests.metrics.test_service import touched
sys.stdout.buffer.write(touched().render())
"""
TOKENS = ("ranking_model_tokens_total", "input")
REQUESTS = ("ranking_request_duration_seconds_count", "feed")
IN_FLIGHT = ("ranking_requests_in_flight", "")
PENDING = ("ranking_thompson_pending", "")


@contextmanager
def worker(folder: Path, number: int) -> Iterator[subprocess.Popen[str]]:
    """Run a worker that has counted `number`, until it is told to end or killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(number)],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        yield process
    finally:
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def scraped(folder: Path) -> dict[tuple[str, str], float]:
    """Return what a worker that has done nothing yet answers to `GET /metrics`, by name and first label."""
    text = subprocess.run(
        [sys.executable, "-c", SCRAPE],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    ).stdout.decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_figures_of_workers_add_up_and_death_takes_gauges_only(tmp_path):
    """Three workers; one is killed: what it counted stays, what it holds now leaves."""
    with worker(tmp_path, 1), worker(tmp_path, 20) as doomed, worker(tmp_path, 300):
        together = scraped(tmp_path)
        doomed.send_signal(signal.SIGKILL)
        doomed.wait()
        assert doomed.pid in forget_dead_workers(tmp_path)
        afterwards = scraped(tmp_path)

    assert [together[key] for key in (TOKENS, REQUESTS, IN_FLIGHT)] == [321, 3, 321]
    assert [afterwards[key] for key in (TOKENS, REQUESTS, IN_FLIGHT)] == [321, 3, 301]
    assert together[PENDING] in (1, 20, 300)


def test_merged_pages_keep_the_contract(tmp_path):
    """Names, types and help are the declared ones with a folder of workers too, and no `pid` label is added."""
    text = subprocess.run(
        [sys.executable, "-c", TOUCH_AND_SCRAPE],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    ).stdout.decode()

    found = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = (family.type, family.documentation)
        assert not any("pid" in sample.labels for sample in family.samples)
    assert found == {metric.name: (metric.type.value, metric.help) for metric in metrics.ALL}


def test_only_the_dead_are_forgotten(tmp_path):
    """Workers that run keep their gauges; asking again finds nobody."""
    with worker(tmp_path, 7) as alive, worker(tmp_path, 5) as doomed:
        doomed.kill()
        doomed.wait()

        assert forget_dead_workers(tmp_path) == (doomed.pid,)
        assert forget_dead_workers(tmp_path) == ()
        assert list(tmp_path.glob(f"gauge_live*_{alive.pid}.db"))


def test_a_worker_can_be_forgotten_by_its_pid_more_than_once(tmp_path):
    """Two who notice the same death do not stumble over each other."""
    with worker(tmp_path, 7) as ended:
        pass

    (tmp_path / exemplars_name(ended.pid)).write_text("[]")

    forget_worker(ended.pid, folder=tmp_path)
    forget_worker(ended.pid, folder=tmp_path)
    assert not list(tmp_path.glob("exemplars-*"))
    assert not list(tmp_path.glob("gauge_*.db"))
    assert list(tmp_path.glob("counter_*.db"))


def test_each_run_of_the_service_begins_with_a_fresh_folder(tmp_path, monkeypatch):
    """Files of an earlier run are gone, other files are not touched, and the environment names the folder."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "elsewhere")
    folder = tmp_path / "service" / "metrics"
    folder.mkdir(parents=True)
    (folder / "counter_1.db").write_bytes(b"old")
    (folder / exemplars_name(1)).write_text("[]")
    (folder / "notes.txt").write_text("mine")

    prepare_metrics_folder(folder)

    assert [file.name for file in folder.iterdir()] == ["notes.txt"]
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(folder)


def test_it_is_told_when_it_is_too_late(tmp_path, monkeypatch):
    """The library looks at the environment when it is imported, and never again."""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)

    with pytest.raises(RuntimeError, match="imported before"):
        prepare_metrics_folder(tmp_path / "metrics")


def test_a_folder_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    """A file stands in its place."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "elsewhere")
    (tmp_path / "metrics").write_text("")

    with pytest.raises(NotReadyError):
        prepare_metrics_folder(tmp_path / "metrics")
