"""How many times faster is a derived collection at 100,000 points: every strategy in one run, as ratios.

Run by `make bench`; not a test. Prints a table and one line of JSON, and takes about three minutes on two cores:
`python -m tests.benchmarks.filter_strategies [POINTS] [DIMENSION]`.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.rows import Spread, at_least, tell
from tests.running_node import start_node

from opsctl.clients.qdrant import QdrantStore
from opsctl.clients.qdrant_values import QdrantPlace
from opsctl.core.clock import SystemClock
from opsctl.vectors.arms import Measurement, MeasurePlan
from opsctl.vectors.filters import FilterSpec
from opsctl.vectors.host import SystemHost
from opsctl.vectors.measure import Instruments, measure
from opsctl.vectors.queries import sample_queries
from opsctl.vectors.scratch import CopyPlan, ScratchCopies
from opsctl.vectors.searcher import QdrantSearcher
from opsctl.vectors.statistics import Ratio
from opsctl.vectors.store_view import StoreView
from opsctl.vectors.strategies import SEGMENT_FIELD, Strategy, arm, segmenter
from opsctl.vectors.summary import compare_arms, summarise
from opsctl.vectors.validity import Limits

FILTER = FilterSpec.model_validate({"region": "r1", "category": "c1", "quality": {"gte": 0.8}})
INDEXES = {"region": "keyword", "category": "keyword", "quality": "float", SEGMENT_FIELD: "keyword"}
QUERIES = 600
TIMES_AS_FAST = {Strategy.NO_INDEX: 10.0, Strategy.PLANNER: 5.0}
"""What a derived collection is to be against an unindexed and an indexed source, at least."""


def main(points: int = 100_000, dimension: int = 128) -> None:
    """Load, measure and print; the node is ended whatever happens."""
    with tempfile.TemporaryDirectory(prefix="opsctl-bench-") as folder:
        node = start_node(Path(folder) / "data")
        try:
            with QdrantStore(QdrantPlace(url=node.url, timeout_seconds=120)) as store:
                began = time.perf_counter()
                derived = _load(store, points=points, dimension=dimension)
                loaded = time.perf_counter()
                _show(
                    _measure(store, derived), points=points, dimension=dimension, load_seconds=loaded - began
                )
        finally:
            node.stop()


def _load(store: QdrantStore, *, points: int, dimension: int) -> str:
    """Fill an indexed source and an unindexed copy, derive, and wait until everything is at rest.

    The composite key lives in the source: one graph fewer to build, and a field more changes no other filter.
    """
    parameters = {"vectors": {"size": dimension, "distance": "Cosine"}}
    for name, indexes in (("source", INDEXES), ("unindexed", {})):
        store.create_collection(name, parameters)
        for field, kind in indexes.items():
            store.create_payload_index(name, field=field, schema=kind)
    for batch in _batches(points, dimension):
        for name in ("source", "unindexed"):
            store.upsert(name, batch)
    copies = ScratchCopies(store, prefix="bench_", clock=SystemClock())
    derived = copies.make(CopyPlan(name="derived", source="source", filter=FILTER.to_qdrant())).collection
    deadline = time.monotonic() + 120
    while not all(store.collection(name).is_idle for name in ("source", "unindexed", derived)):
        if time.monotonic() > deadline:
            raise RuntimeError("the collections did not come to rest within 120 s")
        time.sleep(0.2)
    return derived


def _batches(points: int, dimension: int) -> Iterator[list[dict[str, Any]]]:
    """Yield points with clustered vectors, as text has them, and payloads: 20 % x 20 % x 20 % pass the filter."""
    import numpy as np

    random, keys = np.random.default_rng(1), segmenter(FILTER)
    centres = random.standard_normal((200, dimension))
    for start in range(0, points, 1000):
        size = min(1000, points - start)
        vectors = centres[random.integers(200, size=size)] + 0.7 * random.standard_normal((size, dimension))
        rows = []
        for place in range(size):
            payload = {
                "region": f"r{random.integers(5)}",
                "category": f"c{random.integers(5)}",
                "quality": float(random.uniform()),
            }
            payload[SEGMENT_FIELD] = keys(payload)
            rows.append(
                {"id": start + place, "vector": vectors[place].astype(np.float32), "payload": payload}
            )
        yield rows


def _measure(store: QdrantStore, derived: str) -> Measurement:
    view = StoreView(store)
    places = {
        Strategy.NO_INDEX: "unindexed",
        Strategy.PLANNER: "source",
        Strategy.ACORN: "source",
        Strategy.COMPOSITE: "source",
        Strategy.DERIVED: derived,
    }
    arms = tuple(arm(strategy, collection=place, spec=FILTER) for strategy, place in places.items())
    plan = MeasurePlan(
        subject="filter strategies",
        arms=arms,
        truth=arms[1],
        queries=sample_queries(view, "source", count=QUERIES, seed=1),
        wanted=QUERIES,
        truth_queries=200,
        deadline_seconds=60,
        limits=Limits(allow_noise=True),
    )
    instruments = Instruments(
        searcher=QdrantSearcher(store), states=view, clock=SystemClock(), host=SystemHost()
    )
    return measure(plan, instruments=instruments)


def _show(measured: Measurement, *, points: int, dimension: int, load_seconds: float) -> None:
    figures: dict[str, Any] = {
        "points": points,
        "dimension": dimension,
        "load_seconds": round(load_seconds, 1),
    }
    lines = [f"{'strategy':<14}{'p50 ms':>9}{'p95 ms':>9}{'recall':>8}   / derived at p50 (95 %)"]
    for samples in measured.arms:
        found = summarise(samples)
        p50, p95 = found.engine_at(0.5).value, found.engine_at(0.95).value
        recall = found.recall.value if found.recall else float("nan")
        against = compare_arms(measured, baseline=found.name, contender=Strategy.DERIVED, share=0.5).ratio
        if against and found.name != Strategy.DERIVED:
            _tell(against, strategy=Strategy(found.name), points=points)
        text = f"{against.value:.2f}x ({against.low:.2f}-{against.high:.2f})" if against else "-"
        lines.append(
            f"{found.name:<14}{(p50 or 0) * 1000:>9.4f}{(p95 or 0) * 1000:>9.4f}{recall:>8.3f}   {text}"
        )
        figures[found.name] = {
            "p50_ms": (p50 or 0) * 1000,
            "p95_ms": (p95 or 0) * 1000,
            "recall": recall,
            "ratio": against.value if against else None,
        }
    recalls = [each["recall"] for each in figures.values() if isinstance(each, dict)]
    tell("filter_strategies", "recall@10, the least of the five ways", min(recalls), unit="")
    figures["problems"] = [problem.code for problem in measured.problems]
    sys.stdout.write("\n".join(lines) + "\n" + json.dumps(figures) + "\n")


def _tell(ratio: Ratio, *, strategy: Strategy, points: int) -> None:
    tell(
        "filter_strategies",
        f"derived against {strategy}, {points:,} points, engine time at p50",
        Spread(value=ratio.value, least=ratio.low, most=ratio.high, is_interval=True),
        unit="x",
        against=f"`{strategy}` in the same turns",
        target=at_least(TIMES_AS_FAST[strategy]) if strategy in TIMES_AS_FAST else None,
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
