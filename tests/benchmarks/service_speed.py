"""How fast is a cached feed: ours, a bare ASGI application, and the usual stack, side by side in one run?

    python -m tests.benchmarks.service_speed [--seconds 5] [--rounds 3] [--users 10000] [--soak 0]

All three answer the same bytes on one worker each; they take turns under wrk, which shares the two cores. Then
10,000 requests a second are sent to ours at planned times (a late answer counts from when it was due).
`--soak 600` goes on for ten minutes and prints the resident memory each minute.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from tests.benchmarks.rows import Spread, at_least, at_most, tell
from tests.benchmarks.sending import Load, get, run_load
from tests.scratch_project import RunningService, scratch_project

HERE = Path(__file__).parent
OURS, BARE, USUAL = 9931, 9932, 9933
RATE = 10_000.0
LEAST_RATE = 10_000.0
LEAST_SHARES = {
    "bare ASGI on granian": 0.5,
    "usual stack, cached object": 3.0,
    "usual stack, stored bytes": 3.0,
}
MOST_P99_MILLISECONDS = 50.0
"""Of cached feeds at 10,000 requests a second."""
_BIN = Path(sys.executable).parent


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        project = closing.enter_context(
            scratch_project(Path(folder) / "project", items=arguments.items, users=arguments.users)
        )
        made = project.opsctl("security", "keys", "create", "--name", "bench", "--plan", "bench")
        service = closing.enter_context(project.service(port=OURS))
        warm(service, key=made["key"], users=arguments.users)
        body = httpx.get(
            f"{service.url}/v1/feed/1", headers={"Authorization": f"Bearer {made['key']}"}
        ).content
        feed_file = Path(folder) / "feed.json"
        feed_file.write_bytes(body)
        environment = {**os.environ, "FEED_FILE": str(feed_file), "FEED_KEY": made["key"]}
        closing.enter_context(_bare(environment))
        closing.enter_context(_usual(environment))
        time.sleep(4)
        _print_throughput(arguments, key=made["key"], body_bytes=len(body))
        _print_open_loop(service, arguments, key=made["key"])


def warm(service: RunningService, *, key: str, users: int) -> None:
    """Ask once for the feed of every user, slowly while L2 is still empty, and print what is held then."""
    before = service.resident_bytes()
    requests = [get(f"/v1/feed/{user}", key=key) for user in range(1, users + 1)]
    slow = min(len(requests), 600)
    for part, rate, state in ((requests[:slow], 30.0, "empty"), (requests[slow:], 80.0, "filled")):
        if part:
            load = run_load(OURS, requests=part, rate=rate, seconds=len(part) / rate)
            print(
                f"building {len(part)} feeds at {rate:.0f}/s, L2 {state} before: "
                f"p50 {load.quantile_milliseconds(0.5):.1f} ms, p99 {load.quantile_milliseconds(0.99):.1f} ms, "
                f"errors {load.errors}"
            )
    after = service.resident_bytes()
    print(f"resident: {before / 2**20:.0f} MiB before, {after / 2**20:.0f} MiB with {users} cached feeds")


def _print_throughput(arguments: argparse.Namespace, *, key: str, body_bytes: int) -> None:
    arms = {
        "ours, L1 hit": f"http://127.0.0.1:{OURS}/v1/feed/1",
        "bare ASGI on granian": f"http://127.0.0.1:{BARE}/v1/feed/1",
        "usual stack, cached object": f"http://127.0.0.1:{USUAL}/v1/feed/1",
        "usual stack, stored bytes": f"http://127.0.0.1:{USUAL}/stored/1",
    }
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(arguments.rounds):
        order = list(arms) if turn % 2 == 0 else list(reversed(arms))
        for name in order:
            rates[name].append(_wrk(arms[name], key=key, seconds=arguments.seconds))
    print(
        f"\ncached feed of {body_bytes} bytes, key check, limit and metrics on, 32 connections, {arguments.rounds} rounds"
    )
    ours = statistics.median(rates["ours, L1 hit"])
    for name, values in rates.items():
        median = statistics.median(values)
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        print(f"  {name:28} {median:>9,.0f} requests/s ({spread})   ours/this {ours / median:.2f}x")
    tell(
        "service_speed",
        "cached feed, one worker",
        Spread.of_turns(rates["ours, L1 hit"]),
        unit="requests/s",
        target=at_least(LEAST_RATE),
    )
    for name, least in LEAST_SHARES.items():
        found = Spread.of_pairs(rates["ours, L1 hit"], rates[name])
        target = at_least(least)
        tell("service_speed", f"cached feed against {name}", found, unit="x", against=name, target=target)


def _print_open_loop(service: RunningService, arguments: argparse.Namespace, *, key: str) -> None:
    requests = [get(f"/v1/feed/{user}", key=key) for user in range(1, arguments.users + 1)]
    loads = []
    soak_until = time.monotonic() + max(arguments.soak, 20)
    while time.monotonic() < soak_until:
        load = run_load(OURS, requests=requests, rate=RATE, seconds=20)
        print(
            f"open loop, {RATE:,.0f} requests/s planned for 20 s over {arguments.users} users: "
            f"{load.achieved_rate:,.0f}/s, p50 {load.quantile_milliseconds(0.5):.2f} ms, "
            f"p99 {load.quantile_milliseconds(0.99):.2f} ms, p99.9 {load.quantile_milliseconds(0.999):.2f} ms, "
            f"errors {load.errors}, L1 hits {load.hit_ratio('HIT-L1', 'STALE'):.4f}, "
            f"resident {service.resident_bytes() / 2**20:.0f} MiB",
            flush=True,
        )
        loads.append(load)
    _tell_open_loop(loads)


def _tell_open_loop(loads: list[Load]) -> None:
    alone = f"cached feeds alone, {RATE:,.0f} requests/s planned"
    for share, target in ((0.5, None), (0.99, at_most(MOST_P99_MILLISECONDS)), (0.999, None)):
        found = Spread.of_turns([load.quantile_milliseconds(share) for load in loads])
        tell("service_speed", f"{alone}, p{share * 100:g}", found, unit="ms", target=target)
    errors = sum(load.errors for load in loads)
    tell("service_speed", f"{alone}, errors", errors, unit="", target=at_most(0))


def _wrk(url: str, *, key: str, seconds: int) -> float:
    done = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}", "-H", f"Authorization: Bearer {key}", url],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"{url} answered errors:\n{done.stdout}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found is not None
    return float(found[1])


@contextmanager
def _bare(environment: dict[str, str]) -> Iterator[None]:
    words = ["--interface", "asgi", "--loop", "uvloop", "--http", "1", "--no-ws", "--log-level", "error"]
    with _running([_BIN / "granian", *words, "--port", str(BARE), "bare_asgi:app"], environment):
        yield


@contextmanager
def _usual(environment: dict[str, str]) -> Iterator[None]:
    words = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
    with _running([_BIN / "uvicorn", *words, "--port", str(USUAL), "usual_stack:app"], environment):
        yield


@contextmanager
def _running(command: list[str | Path], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=HERE, env=environment, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=10)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="length of one turn under wrk")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each")
    parser.add_argument("--items", type=int, default=20_000, help="items of the catalogue")
    parser.add_argument("--users", type=int, default=10_000, help="users, each with a cached feed")
    parser.add_argument("--soak", type=int, default=0, help="seconds to go on at 10,000 requests a second")
    return parser.parse_args()


if __name__ == "__main__":
    main()
