"""Locust's own process: `python -m opsctl.bench.locust.locust_worker FD` reads a job and tells frames to descriptor FD."""

import locust  # noqa: F401 - first of all: it patches the standard library  # isort: skip
import json
import os
import signal
import sys
from typing import Any

import gevent
from gevent.socket import wait_read
from locust import events
from locust.main import main as run_locust

from opsctl.bench.locust.reporting import REPORTER
from opsctl.bench.locust.settings import LocustSettings, locust_arguments
from opsctl.bench.locust.wire import Plain, job_from_plain


def main() -> None:
    """Run Locust with the job that comes in as the first line of standard input."""
    frames = int(sys.argv[1])
    task = json.loads(_first_line())
    job, settings = job_from_plain(task["job"]), LocustSettings.from_plain(task["settings"])
    REPORTER.job = job
    # For locustfiles, whose clients set their own headers; forked workers inherit it, `ps` does not show it.
    os.environ["OPSCTL_AUTHORIZATION"] = job.headers.get("Authorization", "")
    REPORTER.tell = lambda message: _write(frames, message)
    events.init.add_listener(_watch_parent)
    if settings.web_port is not None:
        REPORTER.tell({"kind": "note", "text": f"Locust's page: http://127.0.0.1:{settings.web_port}"})
    if settings.expect_workers:
        REPORTER.tell({"kind": "note", "text": worker_command(settings)})
    sys.argv = ["locust", *locust_arguments(job, settings)]
    run_locust()


def worker_command(settings: LocustSettings) -> str:
    """Return what to type on the other machines.

    Two that are started one by one on one machine write the locustfile they were sent to the same place, where one
    may read what the other has half written: Locust then ends with "No User class found".
    """
    command = f"locust -f - --worker --master-host {settings.bind} --master-port {settings.bind_port}"
    return (
        f"start {settings.expect_workers} workers: `{command}` (N on one machine: once, with `--processes N`)"
    )


def _first_line() -> bytes:
    """Read up to the line's end and no further: what comes after it is the sign that the parent is gone."""
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            sys.exit("no job came")
        line += piece
    return bytes(line)


def _watch_parent(**_rest: Any) -> None:
    gevent.spawn(_end_with_parent)


def _end_with_parent() -> None:
    """Wait until the parent closes our standard input, on purpose or by dying, and end this process in order."""
    wait_read(0)
    os.kill(os.getpid(), signal.SIGTERM)


def _write(descriptor: int, message: Plain) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main()
