"""How many requests a second does one Locust process send: FastHttpUser beside our OpenLoopUser, on one server.

python -m tests.benchmarks.locust_speed URL [--seconds 8]
"""

import argparse
import itertools
import statistics
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from opsctl.bench.load.book import LoadBook
from opsctl.bench.load.ports import Address, LoadJob
from opsctl.bench.load.tally import Frame
from opsctl.bench.locust.engine import LocustEngine
from opsctl.bench.locust.settings import LocustSettings

_CONNECTIONS = 64
_SURELY_SENT = 15_000.0
_STEP = 1.15
_HELD_SHARE = 0.98
_SEARCHING_SECONDS = 4.0
_FAST_HTTP = """
from locust import FastHttpUser, task

class Asks(FastHttpUser):
    @task
    def ask(self):
        self.client.get({path!r}, name="ask")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What one process managed.

    Args:
        rate: good answers a second.
        per_cpu_second: the same for each second of CPU time that it got, which other work on the machine changes less;
            not a number where nobody asked.
    """

    rate: float
    per_cpu_second: float = float("nan")


def fast_http_speed(url: str, seconds: float) -> Speed:
    """Measure one process with as many FastHttpUsers as keep it busy."""
    parts = urlsplit(url)
    with tempfile.TemporaryDirectory() as folder:
        locustfile = Path(folder) / "fast.py"
        locustfile.write_text(_FAST_HTTP.format(path=parts.path or "/"))
        settings = LocustSettings(locustfile=locustfile, users=_CONNECTIONS, spawn_rate=100)
        return _speed(_job(url, rate=1, seconds=seconds), settings)


def open_loop_user_speed(url: str, seconds: float) -> Speed:
    """Measure one process of ours with a plan that asks for more than it can send, by up to a sixth."""
    rate = _more_than_it_sends(url)
    while (speed := _planned_speed(url, rate, seconds)).rate > _HELD_SHARE * rate:
        rate *= _STEP  # this turn is quicker than the search was
    return speed


@cache
def _more_than_it_sends(url: str) -> float:
    """Return the first rate that is not held: keeping account of twice as much would be most of what it then does."""
    rate = _SURELY_SENT
    while _planned_speed(url, rate, _SEARCHING_SECONDS).rate > _HELD_SHARE * rate:
        rate *= _STEP
    return rate


def _planned_speed(url: str, rate: float, seconds: float) -> Speed:
    return _speed(_job(url, rate=rate, seconds=seconds), LocustSettings())


def _job(url: str, *, rate: float, seconds: float) -> LoadJob:
    parts = urlsplit(url)
    book = LoadBook.model_validate(
        {
            "mix": {"ask": {"share": 1, "path": parts.path or "/"}},
            "arrivals": [{"shape": "constant", "rate": rate, "duration": f"{round(seconds * 1000)}ms"}],
            "limits": {"connections": _CONNECTIONS, "drain": "200ms"},
        }
    )
    return LoadJob(name="speed", book=book, address=Address(host=parts.hostname or "", port=parts.port or 80))


def _speed(job: LoadJob, settings: LocustSettings) -> Speed:
    """Return the median over whole frames in the middle of the run."""
    frames: list[Frame] = []

    def watch(frame: Frame) -> str:
        frames.append(frame)
        return ""

    LocustEngine(settings=settings).run(job, watch=watch)
    pairs = list(itertools.pairwise(frames[1:-1]))
    return Speed(
        rate=statistics.median(
            frame.new.outcomes["ok"] / (frame.seconds - before.seconds) for before, frame in pairs
        ),
        per_cpu_second=statistics.median(frame.new.outcomes["ok"] / frame.cpu_seconds for _, frame in pairs),
    )


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=8.0)
    arguments = parser.parse_args()
    fast = fast_http_speed(arguments.url, arguments.seconds)
    ours = open_loop_user_speed(arguments.url, arguments.seconds)
    for name, speed in (("FastHttpUser", fast), ("OpenLoopUser", ours)):
        print(
            f"{name}  {speed.rate:8,.0f} requests/s a process, {speed.per_cpu_second:8,.0f} for each CPU second"
        )
    print(
        f"ratio         {ours.rate / fast.rate:8.1f} a process, {ours.per_cpu_second / fast.per_cpu_second:.1f} by CPU time"
    )


if __name__ == "__main__":
    main()
