"""How many requests a second does one Locust process send: FastHttpUser beside our OpenLoopUser, on one server.

python -m tests.benchmarks.locust_speed URL [--seconds 8]
"""

import argparse
import itertools
import statistics
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.model import Frame
from opsctl.bench.load.ports import Address, LoadJob
from opsctl.bench.locust.engine import LocustEngine
from opsctl.bench.locust.settings import LocustSettings

_CONNECTIONS = 64
_FAST_HTTP = """
from locust import FastHttpUser, task

class Asks(FastHttpUser):
    @task
    def ask(self):
        self.client.get({path!r}, name="ask")
"""


def fast_http_rate(url: str, seconds: float) -> float:
    """Return the good answers a second of as many FastHttpUsers as one process needs to be busy."""
    parts = urlsplit(url)
    with tempfile.TemporaryDirectory() as folder:
        locustfile = Path(folder) / "fast.py"
        locustfile.write_text(_FAST_HTTP.format(path=parts.path or "/"))
        settings = LocustSettings(locustfile=locustfile, users=_CONNECTIONS, spawn_rate=100)
        return _rate(_job(url, rate=1, seconds=seconds), settings)


def open_loop_user_rate(url: str, seconds: float) -> float:
    """Return the good answers a second of one process whose plan asks for more than it can send."""
    return _rate(_job(url, rate=60_000, seconds=seconds), LocustSettings())


def _job(url: str, *, rate: float, seconds: float) -> LoadJob:
    parts = urlsplit(url)
    book = LoadBook.model_validate(
        {
            "mix": {"ask": {"share": 1, "path": parts.path or "/"}},
            "arrivals": [{"shape": "constant", "rate": rate, "duration": f"{round(seconds * 1000)}ms"}],
            "limits": {"connections": _CONNECTIONS, "drain": "1s", "most_waiting": 200},
        }
    )
    return LoadJob(name="speed", book=book, address=Address(host=parts.hostname or "", port=parts.port or 80))


def _rate(job: LoadJob, settings: LocustSettings) -> float:
    """Return the median rate over whole frames in the middle of the run."""
    frames: list[Frame] = []

    def watch(frame: Frame) -> str:
        frames.append(frame)
        return ""

    LocustEngine(settings=settings).run(job, watch=watch)
    rates = [
        frame.new.outcomes["ok"] / (frame.seconds - before.seconds)
        for before, frame in itertools.pairwise(frames[1:-1])
    ]
    return statistics.median(rates)


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=8.0)
    arguments = parser.parse_args()
    fast = fast_http_rate(arguments.url, arguments.seconds)
    ours = open_loop_user_rate(arguments.url, arguments.seconds)
    print(f"FastHttpUser  {fast:8,.0f} requests/s of one process")
    print(f"OpenLoopUser  {ours:8,.0f} requests/s of one process, {ours / fast:.1f} times as many")


if __name__ == "__main__":
    main()
