"""What does each of derived collections, caches, batching and pooling bring to the feed, and what does it cost without?

    python -m tests.benchmarks.service_ablation [--rate 100] [--seconds 20] [--users 10000]

The same requests at the same planned times go to the same service with one thing taken away at a time, and with all.
The scoring model is simulated: a process that takes 80 ms a call and counts tokens; prices are the book's, not a bill's.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
from tests.benchmarks.rows import at_least, at_most, tell
from tests.benchmarks.sending import Load, get, run_load
from tests.scratch_project import Samples, ScratchProject, scratch_project

from opsctl.stack.status import stack_status

PORT, MODEL_PORT = 9941, 9942
MODEL_LATENCY_MILLISECONDS = 80
# Of the order of a small hosted model's, and nobody's list price: only ratios are concluded from it.
PRICES = {"input_dollars_per_million": 1.0, "output_dollars_per_million": 5.0}
_WARMING_RATE = 20.0
COMBINATIONS = ("region=AU&category=photographer", "region=US&category=venue")

NO_DERIVED: dict[str, Any] = {"service": {"derived_collections": False}}
NO_CACHES: dict[str, Any] = {"cache": {"l1": {"enabled": False}, "l2": {"enabled": False}}}
NO_BATCHING: dict[str, Any] = {"service": {"model": {"batch_milliseconds": 0}}}
NO_POOLING: dict[str, Any] = {"service": {"pooling": False}}
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "everything on": (),
    "no derived collections": (NO_DERIVED,),
    "no caches": (NO_CACHES,),
    "no batching": (NO_BATCHING,),
    "no caches, no batching": (NO_CACHES, NO_BATCHING),
    "no pooling": (NO_POOLING,),
    "everything off": (NO_DERIVED, NO_CACHES, NO_BATCHING, NO_POOLING),
}


MOST_P99_MILLISECONDS = 500.0
"""Of feeds with everything on, and with everything on but the caches."""

LEAST_CUT_PERCENT = 40.0
"""What caches and batches are to save of the model's cost."""


@dataclass(kw_only=True)
class Variant:
    """What one variant did."""

    name: str
    load: Load
    l2_hits: float
    connections: int
    calls: float
    dollars: float

    def __str__(self) -> str:
        return (
            f"{self.name:24} {self.load.quantile_milliseconds(0.5):>8.1f} {self.load.quantile_milliseconds(0.99):>8.1f}"
            f" {self.load.errors:>7} {self.load.hit_ratio('HIT-L1', 'STALE'):>8.3f} {self.l2_hits:>8.3f}"
            f" {self.connections:>12} {self.calls:>14.0f} {self.dollars:>14.4f}"
        )


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        project = closing.enter_context(
            scratch_project(Path(folder) / "project", items=arguments.items, users=arguments.users)
        )
        key = project.opsctl("security", "keys", "create", "--name", "bench", "--plan", "bench")["key"]
        closing.enter_context(_simulated_model())
        requests = _requests(arguments, key=key)
        print(
            f"{arguments.rate:.0f} feeds/s planned for {arguments.seconds} s, {arguments.users} users (Zipf 1.1), "
            f"{arguments.items} items; the model is SIMULATED, {MODEL_LATENCY_MILLISECONDS} ms a call\n"
            f"{'':24} {'p50 ms':>8} {'p99 ms':>8} {'errors':>7} {'L1 hits':>8} {'L2 hits':>8} "
            f"{'connections':>12} {'calls/1k feeds':>14} {'$/1k feeds':>14}"
        )
        rows = {name: _measure(project, name, requests=requests, arguments=arguments) for name in VARIANTS}
        _print_cost(rows)
        _tell_times(rows, rate=arguments.rate)


def _tell_times(rows: dict[str, Variant], *, rate: float) -> None:
    judged = ("everything on", "no caches")
    for name, row in rows.items():
        p99 = row.load.quantile_milliseconds(0.99)
        target = at_most(MOST_P99_MILLISECONDS) if name in judged else None
        tell("service_ablation", f"{rate:.0f} feeds/s, {name}, p99", p99, unit="ms", target=target)
        none = at_most(0) if name in judged else None
        tell("service_ablation", f"{rate:.0f} feeds/s, {name}, errors", row.load.errors, unit="", target=none)
    for name in ("everything on", "no pooling", "everything off"):
        connections = f"{rate:.0f} feeds/s, {name}, connections to the database at the most"
        tell("service_ablation", connections, rows[name].connections, unit="")
    on = rows["everything on"]
    for tier, hits in (("L1", on.load.hit_ratio("HIT-L1", "STALE")), ("L2", on.l2_hits)):
        tell("service_ablation", f"{rate:.0f} feeds/s, everything on, {tier} hits", hits * 100, unit="%")


def _print_cost(rows: dict[str, Variant]) -> None:
    full = rows["everything on"].dollars
    for name in ("no caches", "no batching", "no caches, no batching", "everything off"):
        before = rows[name].dollars
        if before > 0:
            row = tell(
                "service_ablation",
                f"saved of the model's cost against `{name}`",
                (1 - full / before) * 100,
                unit="%",
                against=f"`{name}`",
                target=at_least(LEAST_CUT_PERCENT) if name == "no caches, no batching" else None,
            )
            print(f"model cost of `everything on` against `{name}`: {row.value:+.1f} % reduction")


def _measure(
    project: ScratchProject, name: str, *, requests: list[bytes], arguments: argparse.Namespace
) -> Variant:
    changes: dict[str, dict[str, Any]] = {"service": {"model": _model()}}
    for part in VARIANTS[name]:
        for book, values in part.items():
            changes[book] = _joined(changes.get(book, {}), values)
    project.change_books(**changes)
    project.opsctl("cache", "invalidate", "--all")
    with project.service(port=PORT) as service, _most_connections(project) as connections:
        # Not counted: connections open, statements are planned, and L2 meets the items of the two combinations.
        run_load(PORT, requests=requests[::-1], rate=_WARMING_RATE, seconds=8)
        before = service.metrics()
        load = run_load(PORT, requests=requests, rate=arguments.rate, seconds=arguments.seconds)
        row = _row(name, load=load, before=before, after=service.metrics(), connections=connections[0])
    print(row, flush=True)
    if row.load.errors:
        print(
            f"{'':24} outcomes: {dict(row.load.total.outcomes)}, answers by status: {dict(row.load.total.statuses)}"
        )
    return row


def _row(name: str, *, load: Load, before: Samples, after: Samples, connections: int) -> Variant:
    def grown(metric: str, **labels: str) -> float:
        return sum(
            value - before.get(key, 0.0)
            for key, value in after.items()
            if key[0] == metric and set(labels.items()) <= set(key[1])
        )

    lookups = grown("ranking_cache_lookups_total", tier="l2")
    per_thousand = 1000 / max(1, load.answered)
    return Variant(
        name=name,
        load=load,
        l2_hits=grown("ranking_cache_lookups_total", tier="l2", outcome="hit") / lookups if lookups else 0.0,
        connections=connections,
        calls=grown("ranking_model_calls_total") * per_thousand,
        dollars=grown("ranking_model_cost_dollars_total") * per_thousand,
    )


def _model() -> dict[str, Any]:
    return {"provider": "simulated", "url": f"http://127.0.0.1:{MODEL_PORT}/v1", **PRICES}


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    joined = dict(one)
    for key, value in other.items():
        joined[key] = _joined(joined.get(key, {}), value) if isinstance(value, dict) else value
    return joined


def _requests(arguments: argparse.Namespace, *, key: str) -> list[bytes]:
    random = np.random.default_rng(7)
    shares = 1 / np.arange(1, arguments.users + 1) ** 1.1
    count = int(arguments.rate * arguments.seconds)
    users = random.choice(np.arange(1, arguments.users + 1), size=count, p=shares / shares.sum())
    return [get(f"/v1/feed/{user}?{COMBINATIONS[int(user) % 2]}", key=key) for user in users]


@contextmanager
def _most_connections(project: ScratchProject) -> Iterator[list[int]]:
    """Look ten times a second how many connections the database has besides this one."""
    state = stack_status(project.root / ".opsctl")
    password = state.database_password_file.read_text().strip()
    most, ended = [0], threading.Event()

    def look() -> None:
        with psycopg.connect(state.database_url, password=password, autocommit=True) as connection:
            while not ended.wait(0.1):
                row = connection.execute(
                    "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()"
                ).fetchone()
                most[0] = max(most[0], row[0] if row else 0)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()


@contextmanager
def _simulated_model() -> Iterator[None]:
    words = ["--port", str(MODEL_PORT), "--latency-ms", str(MODEL_LATENCY_MILLISECONDS), "--seed", "1"]
    process = subprocess.Popen([sys.executable, "-m", "opsctl.service.scoring.simulated", *words])
    try:
        _wait_for(f"http://127.0.0.1:{MODEL_PORT}/stats")
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            httpx.get(url, timeout=2)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{url} does not answer")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=re.sub(r"\n\n.*", "", str(__doc__)))
    parser.add_argument("--rate", type=float, default=100.0, help="feeds a second")
    parser.add_argument("--seconds", type=int, default=20, help="length of each variant")
    parser.add_argument("--items", type=int, default=20_000, help="items of the catalogue")
    parser.add_argument("--users", type=int, default=10_000, help="users, chosen by Zipf's law")
    return parser.parse_args()


if __name__ == "__main__":
    main()
