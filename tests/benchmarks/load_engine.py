"""How fast is the load engine beside wrk, k6 and Locust, do its latencies agree with k6's, and does its memory stay put?

    python -m tests.benchmarks.load_engine [--seconds 5] [--rounds 3] [--length 30]

All send to the same bare ASGI application on granian with one worker, from one process with 64 connections each, and
take turns. `recorded` is an open loop with more planned than can be sent; `held` the highest planned rate of which 99 %
came back with a p99 below a tenth of a second, counted from the planned moment. Latencies are compared with k6's on a
server that takes 20 ms on average: on the bare one, what k6 measures is mostly k6.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.benchmarks.locust_speed import Speed, fast_http_speed, open_loop_user_speed
from tests.benchmarks.rows import Spread, at_least, at_most, tell
from tests.benchmarks.sending import Load, get, run_load

HERE = Path(__file__).parent
PORT = 9951
PATH = "/v1/feed/1"
URL = f"http://127.0.0.1:{PORT}{PATH}"
CONNECTIONS = 64
COMPARED_RATE = 2_000
MANY_CONNECTIONS = 300
"""Enough for 2,000 requests a second that take 20 ms each, and for a tail."""

LEAST_RECORDED = 15_000.0
LEAST_SHARES = {"wrk": 0.7, "k6": 2.0, "FastHttpUser": 5.0}
LEAST_OF_FAST_HTTP = 3.0
MOST_DIFFERENCE_PERCENT = 15.0
MOST_GROWTH = 1.1
"""Of the sender's memory with four times the load: it must not follow it."""

_SURELY_SENT = 15_000.0
_LOCUST_SECONDS = 8.0
"""Its users come one after the other, and only the seconds in which all are there count."""

_BODY_BYTES = 4096
_BIN = Path(sys.executable).parent

_CLOSED_SCRIPT = """
import http from 'k6/http';
export const options = {{ discardResponseBodies: true, scenarios: {{ all: {{
  executor: 'constant-vus', vus: {connections}, duration: '{seconds}s' }} }} }};
export default function () {{ http.get('{url}'); }}
"""
_RATE_SCRIPT = """
import http from 'k6/http';
export const options = {{ discardResponseBodies: true, summaryTrendStats: ['med', 'p(99)'], scenarios: {{ all: {{
  executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s', duration: '{seconds}s',
  preAllocatedVUs: {connections}, maxVUs: {connections} }} }} }};
export default function () {{ http.get('{url}'); }}
"""


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    with _server("bare_asgi:app"):
        speeds = _speeds(arguments)
        _print_speeds({name: [speed.rate for speed in each] for name, each in speeds.items()})
        _tell_speed_by_processor_time(speeds)
        _print_memory(arguments)
    with _server("slow_asgi:app"):
        _print_agreement(arguments)


def _speeds(arguments: argparse.Namespace) -> dict[str, list[Speed]]:
    seconds = arguments.seconds
    arms: dict[str, Callable[[], Speed]] = {
        "ours, recorded": lambda: _recorded(seconds),
        "wrk": lambda: Speed(rate=_wrk(seconds)),
        "k6": lambda: Speed(rate=_k6_rate(seconds)),
        "FastHttpUser": lambda: fast_http_speed(URL, max(seconds, _LOCUST_SECONDS)),
        "OpenLoopUser": lambda: open_loop_user_speed(URL, max(seconds, _LOCUST_SECONDS)),
    }
    speeds: dict[str, list[Speed]] = {name: [] for name in arms}
    for turn in range(arguments.rounds):
        for name in list(arms) if turn % 2 == 0 else reversed(list(arms)):
            speeds[name].append(arms[name]())
    recorded = statistics.median(speed.rate for speed in speeds["ours, recorded"])
    speeds["ours, held"] = [Speed(rate=_held_rate(recorded, seconds))]
    return speeds


def _print_speeds(rates: dict[str, list[float]]) -> None:
    ours = statistics.median(rates["ours, recorded"])
    print(f"one process, {CONNECTIONS} connections, answers of {_BODY_BYTES} bytes, one server worker")
    for name, values in rates.items():
        median = statistics.median(values)
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        print(f"  {name:16} {median:>9,.0f} requests/s ({spread})   ours/this {ours / median:.2f}x")
    open_loop, fast = statistics.median(rates["OpenLoopUser"]), statistics.median(rates["FastHttpUser"])
    print(f"  OpenLoopUser/FastHttpUser {open_loop / fast:.2f}x")
    _tell_speeds(rates)


def _tell_speeds(rates: dict[str, list[float]]) -> None:
    tell(
        "load_engine",
        "recorded in open loop",
        Spread.of_turns(rates["ours, recorded"]),
        unit="requests/s",
        target=at_least(LEAST_RECORDED),
    )
    tell(
        "load_engine", "held in open loop with a p99 below 100 ms", rates["ours, held"][0], unit="requests/s"
    )
    for name, least in LEAST_SHARES.items():
        found = Spread.of_pairs(rates["ours, recorded"], rates[name])
        target = at_least(least)
        tell("load_engine", f"recorded against {name}", found, unit="x", against=name, target=target)
    tell(
        "load_engine",
        "our OpenLoopUser on Locust",
        Spread.of_pairs(rates["OpenLoopUser"], rates["FastHttpUser"]),
        unit="x",
        against="Locust's FastHttpUser",
        target=at_least(LEAST_OF_FAST_HTTP),
    )


def _tell_speed_by_processor_time(speeds: dict[str, list[Speed]]) -> None:
    """Compare with Locust where the one worker of the server is no limit: how much each sends with a second of CPU."""
    ours, others = (
        [speed.per_cpu_second for speed in speeds[name]] for name in ("ours, recorded", "FastHttpUser")
    )
    row = tell(
        "load_engine",
        "recorded for each second of the sender's CPU",
        Spread.of_pairs(ours, others),
        unit="x",
        against="FastHttpUser",
        target=at_least(LEAST_SHARES["FastHttpUser"]),
    )
    print(f"  by the sender's CPU time, ours/FastHttpUser {row.value:.2f}x")


def _print_agreement(arguments: argparse.Namespace) -> None:
    ours: dict[str, list[float]] = {"p50": [], "p99": []}
    theirs: dict[str, list[float]] = {"p50": [], "p99": []}
    for turn in range(arguments.rounds):
        for is_ours in (True, False) if turn % 2 == 0 else (False, True):
            found = _our_service_times(arguments.seconds) if is_ours else _k6_service_times(arguments.seconds)
            for name, value in zip(("p50", "p99"), found, strict=True):
                (ours if is_ours else theirs)[name].append(value)
    print(f"service time at {COMPARED_RATE:,} requests/s, median of {arguments.rounds} rounds")
    for name in ("p50", "p99"):
        our, their = statistics.median(ours[name]), statistics.median(theirs[name])
        row = tell(
            "load_engine",
            f"{name} at {COMPARED_RATE:,} requests/s, how far from k6's",
            abs(our / their - 1) * 100,
            unit="%",
            against="k6's constant-arrival-rate",
            target=at_most(MOST_DIFFERENCE_PERCENT),
        )
        print(
            f"  {name}: ours {our:.3f} ms, k6 {their:.3f} ms, difference {(our / their - 1) * 100:+.1f} %; "
            f"at most {MOST_DIFFERENCE_PERCENT:g} % wanted: {row.verdict}"
        )


def _print_memory(arguments: argparse.Namespace) -> None:
    sizes = {}
    for seconds in (arguments.length / 4, arguments.length):
        sizes[seconds] = _open(rate=5_000.0, seconds=seconds).result.resident_bytes / 2**20
    short, long = sizes.values()
    tell(
        "load_engine",
        "memory of the sender with four times the load",
        long / short,
        unit="x",
        against="a quarter of the load",
        target=at_most(MOST_GROWTH),
    )
    print(
        "memory of the sender: "
        + ", ".join(f"{size:.1f} MiB in {seconds:g} s" for seconds, size in sizes.items())
    )


def _open(*, rate: float, seconds: float, connections: int = CONNECTIONS) -> Load:
    load = run_load(PORT, requests=[get(PATH)], rate=rate, seconds=seconds, connections=connections)
    if load.result.errors:
        raise SystemExit(f"the engine gave up: {load.result.errors}")
    return load


def _recorded(seconds: float) -> Speed:
    """Return the good answers of a plan that asks for more than can be sent, by up to a sixth."""
    rate = _SURELY_SENT
    load = _overloaded(rate=rate, seconds=seconds)
    while load.achieved_rate > 0.98 * rate:
        rate *= 1.15
        load = _overloaded(rate=rate, seconds=seconds)
    cores = load.result.cpu_cores
    print(f"    (ours: {cores:.2f} cores, {cores / load.achieved_rate * 1e6:.1f} us of CPU a request)")
    return Speed(rate=load.achieved_rate, per_cpu_second=load.answered_per_cpu_second)


def _overloaded(*, rate: float, seconds: float) -> Load:
    return run_load(
        PORT, requests=[get(PATH)], rate=rate, seconds=seconds, connections=CONNECTIONS, drain="0s"
    )


def _held_rate(recorded: float, seconds: float) -> float:
    """Return the highest rate, in steps of 5 % down from what can be recorded, that is held in good time."""
    for step in range(14):
        rate = recorded * (1 - 0.05 * step)
        load = _open(rate=rate, seconds=seconds)
        if load.errors == 0 and load.quantile_milliseconds(0.99) < 100:
            return rate
    return float("nan")


def _our_service_times(seconds: float) -> tuple[float, float]:
    service = _open(rate=COMPARED_RATE, seconds=seconds, connections=MANY_CONNECTIONS).total.timings.service
    return service.value_at(0.5) / 1000, service.value_at(0.99) / 1000


def _wrk(seconds: float) -> float:
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}", URL]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if found is None or "Non-2xx" in done.stdout:
        raise SystemExit(done.stdout)
    return float(found[1])


def _k6_rate(seconds: float) -> float:
    script = _CLOSED_SCRIPT.format(connections=CONNECTIONS, seconds=seconds, url=URL)
    metrics = _k6(script, cores=1)  # as all the others
    return metrics["http_reqs"]["rate"]


def _k6_service_times(seconds: float) -> tuple[float, float]:
    script = _RATE_SCRIPT.format(connections=MANY_CONNECTIONS, seconds=seconds, url=URL, rate=COMPARED_RATE)
    # On one core its own goroutines would wait for each other, which it would count as the server's time.
    duration = _k6(script, cores=os.cpu_count() or 1)["http_req_duration"]
    return duration["med"], duration["p(99)"]


def _k6(script: str, *, cores: int) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        path, summary = Path(folder) / "script.js", Path(folder) / "summary.json"
        path.write_text(script)
        words = ["run", "--quiet", "--no-usage-report", "--summary-export", str(summary), str(path)]
        environment = {**os.environ, "GOMAXPROCS": str(cores)}
        subprocess.run([_BIN / "k6", *words], env=environment, stdout=subprocess.DEVNULL, check=True)
        metrics: dict[str, dict[str, float]] = json.loads(summary.read_text())["metrics"]
        return metrics


@contextmanager
def _server(application: str) -> Iterator[None]:
    words = ["--interface", "asgi", "--loop", "uvloop", "--http", "1", "--no-ws", "--log-level", "error"]
    with tempfile.NamedTemporaryFile() as feed:
        feed.write(b"x" * _BODY_BYTES)
        feed.flush()
        process = subprocess.Popen(
            [_BIN / "granian", *words, "--port", str(PORT), application],
            cwd=HERE,
            env={**os.environ, "FEED_FILE": feed.name},
            start_new_session=True,
        )
        try:
            _wait_for_answer()
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=10)


def _wait_for_answer() -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(URL, timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{URL} does not answer")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of one turn")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each")
    parser.add_argument(
        "--length", type=int, default=30, help="seconds of the longer run that memory is compared for"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
