"""How fast is the copy of a rebuild, against a straightforward script and against the engine itself, in one run?

    python tests/benchmarks/rebuild_throughput.py [--points 20000]

Three ways bring the same filtered points into the same kind of collection, in turns, on one vector node:
a script that scrolls and upserts in one loop with qdrant-client; opsctl's copy; and, as the ceiling, the
engine's own bulk load, without any network, from points that are in memory already. Then the peak memory of
a whole rebuild is taken at two sizes.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.benchmarks.rows import Spread, at_least, at_most, tell  # noqa: E402
from tests.running_node import start_node  # noqa: E402

from opsctl.clients.qdrant import QdrantStore  # noqa: E402 - the path above makes it importable
from opsctl.clients.qdrant_values import QdrantPlace  # noqa: E402
from opsctl.core.clock import SystemClock  # noqa: E402
from opsctl.core.events import ignore  # noqa: E402
from opsctl.qdrant_collections.checkpoint import Checkpoints  # noqa: E402
from opsctl.qdrant_collections.model import CollectionsBook  # noqa: E402
from opsctl.qdrant_collections.options import RebuildOptions  # noqa: E402
from opsctl.qdrant_collections.phases import Surroundings  # noqa: E402
from opsctl.qdrant_collections.rebuild import rebuild  # noqa: E402
from opsctl.qdrant_collections.steps import open_gate  # noqa: E402
from opsctl.qdrant_collections.transfer import Hooks, Transfer, copy_ranges, cut_ranges  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 128
FIELDS = {"region": "keyword", "category": "keyword", "quality": "float"}
FILTER = {"must": [{"key": "region", "match": {"value": "AU"}}]}
CREATE = {"vectors": {"size": SIZE, "distance": "Cosine"}, "optimizers_config": {"indexing_threshold": 0}}
NAIVE_BATCH = 100  # what tutorials use
ROUNDS = 3
LEAST_OF_SCRIPT, LEAST_OF_ENGINE = 2.0, 0.5
MOST_GROWTH = 1.2
"""Of the peak memory with four times the points: it must not follow them."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=20_000, help="points that pass the filter")
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        print_peak_memory(*arguments.memory_of)
        return
    with tempfile.TemporaryDirectory() as folder:
        node = start_node(Path(folder) / "data")
        try:
            with QdrantStore(QdrantPlace(url=node.url, timeout_seconds=60)) as store:
                compare_throughput(store, points=arguments.points, folder=Path(folder))
            compare_memory(node.url, points=arguments.points)
        finally:
            node.stop()


def compare_throughput(store: QdrantStore, *, points: int, folder: Path) -> None:
    """Let the three ways copy the same points in turns; print medians and ratios."""
    fill(store, "content", points=points * 2)
    in_memory = list(matching(store))
    ways: dict[str, Callable[[int], float]] = {
        "script": lambda turn: by_script(store, name=f"script_{turn}"),
        "opsctl": lambda turn: by_opsctl(store, name=f"opsctl_{turn}"),
        "engine": lambda turn: by_engine(in_memory, folder=folder / f"engine_{turn}"),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS):
        for name, way in ways.items():
            rates[name].append(len(in_memory) / way(turn))
            if name != "engine":
                store.delete_collection(f"{name}_{turn}")
    median = {name: statistics.median(values) for name, values in rates.items()}
    say(f"{len(in_memory):,} of {points * 2:,} points x {SIZE}, median of {ROUNDS} turns, points a second")
    say(f"  script: scroll, upsert, in batches of {NAIVE_BATCH}     {median['script']:>9,.0f}")
    say(f"  copy of opsctl collections rebuild            {median['opsctl']:>9,.0f}")
    say(f"  bulk load of the engine itself, no network    {median['engine']:>9,.0f}")
    for name, against, least in (
        ("script", "a script of `scroll` and `upsert`", LEAST_OF_SCRIPT),
        ("engine", "the engine's own bulk load", LEAST_OF_ENGINE),
    ):
        row = tell(
            "rebuild_throughput",
            f"copy of a rebuild against {against}",
            Spread.of_pairs(rates["opsctl"], rates[name]),
            unit="x",
            against=against,
            target=at_least(least),
        )
        say(f"  opsctl / {name}   {row.value:.2f}   (goal: at least {least:g}: {row.verdict})")
    tell("rebuild_throughput", "copy of a rebuild", Spread.of_turns(rates["opsctl"]), unit="points/s")


def compare_memory(url: str, *, points: int) -> None:
    """Print the peak memory of a whole rebuild at two sizes, each in a process of its own."""
    peaks = []
    for size in (points // 4, points):
        with QdrantStore(QdrantPlace(url=url, timeout_seconds=60)) as store:
            fill(store, f"memory_{size}", points=size * 2)
        command = [sys.executable, __file__, "--memory-of", url, str(size)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(int(answer.stdout.strip()))
    small, large = peaks
    say(f"peak memory of a rebuild: {small:,} KiB for {points // 4:,} points, {large:,} KiB for {points:,}")
    row = tell(
        "rebuild_throughput",
        "peak memory of a rebuild with four times the points",
        large / small,
        unit="x",
        against="a quarter of the points",
        target=at_most(MOST_GROWTH),
    )
    say(
        f"  ratio {row.value:.2f} for 4 times the points   (goal: about 1, at most {MOST_GROWTH:g}: {row.verdict})"
    )


def print_peak_memory(url: str, size: str) -> None:
    """Rebuild once and print the peak resident memory in KiB."""
    source = f"memory_{size}"
    derived = {"filter": {"region": "AU"}, "budgets": {"p95": "10s", "recall": 0.5}, "indexing_threshold": 0}
    with (
        QdrantStore(QdrantPlace(url=url, timeout_seconds=60)) as store,
        tempfile.TemporaryDirectory() as folder,
    ):
        book = CollectionsBook.model_validate(
            {"source": {"collection": source}, "derived": {source + "_au": derived}}
        )
        here = Surroundings(
            store=store, checkpoints=Checkpoints(Path(folder)), clock=SystemClock(), listener=ignore
        )
        report = rebuild(
            f"{source}_au", book=book, here=here, options=RebuildOptions(watch_seconds=0, queries=100)
        )
        if not report.ok:
            raise SystemExit(f"the rebuild failed: {report}")
        store.delete_collection(report.generation)
        store.delete_collection(source)
    # ru_maxrss would begin with the peak of the parent; the kernel's own mark begins anew with the program.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    sys.stdout.write(f"{line.split()[1]}\n")


def fill(store: QdrantStore, name: str, *, points: int) -> None:
    """Make a source of which half the points pass the filter."""
    import numpy as np

    chance = np.random.default_rng(0)
    store.create_collection(name, CREATE)
    for field, kind in FIELDS.items():
        store.create_payload_index(name, field=field, schema=kind)
    for begin in range(0, points, 1000):
        vectors = chance.standard_normal((min(1000, points - begin), SIZE), dtype=np.float32)
        rows = [
            {"id": begin + row, "vector": vectors[row], "payload": payload(begin + row)}
            for row in range(len(vectors))
        ]
        store.upsert(name, rows, wait=begin + 1000 >= points)


def payload(number: int) -> dict[str, Any]:
    """Return a payload as the catalogue's."""
    return {
        "region": ("AU", "US")[number % 2],
        "category": ("photographer", "venue", "florist")[number % 3],
        "quality": round(number * 0.618 % 1, 4),
        "title": f"Vendor {number} for weddings, portraits and events",
        "tags": ["outdoor", "film", "studio"][: number % 4],
        "price": number % 900,
    }


def matching(store: QdrantStore) -> "list[dict[str, Any]]":
    """Return all points that pass the filter."""
    points, offset = [], None
    while True:
        page = store.scroll("content", limit=1000, offset=offset, filter=FILTER, with_vectors=True)
        points += page.points
        offset = page.next_offset
        if offset is None:
            return points


def make_target(store: QdrantStore, name: str) -> None:
    """Make the empty target with its payload indexes."""
    store.create_collection(name, CREATE)
    for field, kind in FIELDS.items():
        store.create_payload_index(name, field=field, schema=kind)


def by_script(store: QdrantStore, *, name: str) -> float:
    """Return the seconds of the script that everybody writes first."""
    from qdrant_client import QdrantClient, models

    make_target(store, name)
    client = QdrantClient(url=store.place.url, timeout=60)
    only = models.Filter.model_validate(FILTER)
    began, offset = time.perf_counter(), None
    while True:
        records, offset = client.scroll(
            "content", scroll_filter=only, limit=NAIVE_BATCH, offset=offset, with_vectors=True
        )
        points = [
            models.PointStruct(id=each.id, vector=each.vector, payload=each.payload) for each in records
        ]
        client.upsert(name, points)
        if offset is None:
            break
    took = time.perf_counter() - began
    client.close()
    return took


def by_opsctl(store: QdrantStore, *, name: str) -> float:
    """Return the seconds of opsctl's copy."""
    make_target(store, name)
    began = time.perf_counter()
    transfer = Transfer(source="content", target=name, filter=FILTER, streams=2, retry_seconds=10)
    hooks = Hooks(on_advance=lambda _news: None, on_idle=lambda: None, gate=open_gate())
    copy_ranges(transfer, cut_ranges(transfer, store=store), store=store, clock=SystemClock(), hooks=hooks)
    return time.perf_counter() - began


def by_engine(points: "list[dict[str, Any]]", *, folder: Path) -> float:
    """Return the seconds that the engine needs in this process, given points in memory."""
    import qdrant_edge as edge

    vectors = edge.EdgeVectorParams(size=SIZE, distance=edge.Distance.Cosine)
    folder.mkdir()
    shard = edge.EdgeShard.create(str(folder), edge.EdgeConfig(vectors={"": vectors}))
    kinds = {"keyword": edge.PayloadSchemaType.Keyword, "float": edge.PayloadSchemaType.Float}
    for field, kind in FIELDS.items():
        shard.update(edge.UpdateOperation.create_field_index(field, kinds[kind]))
    began = time.perf_counter()
    for begin in range(0, len(points), 1000):
        batch = [
            edge.Point(each["id"], each["vector"], each["payload"]) for each in points[begin : begin + 1000]
        ]
        shard.update(edge.UpdateOperation.upsert_points(batch))
    shard.flush()
    took = time.perf_counter() - began
    shard.close()
    return took


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
