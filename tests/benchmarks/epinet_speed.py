"""How long does the epinet take to score the candidates of one feed on one core, and how large is it.

Run by `make bench`; not a test. Prints a table and one line of JSON: `python -m tests.benchmarks.epinet_speed [CANDIDATES]`.
The aim is 1 ms for 200 candidates; the report that proposed the sizes reckoned with 2,336 trainable and 3,136 fixed numbers.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from tests.benchmarks.rows import at_most, tell

from opsctl.experiments.learners.model import Contexts, Feedback, Items
from opsctl.experiments.learners.network import NetworkSizes
from opsctl.experiments.learners.policies import make_policy

if TYPE_CHECKING:
    from opsctl.experiments.learners.policies import PolicyWithChances

SLATE = 20
ITEMS = 5_000
ROUNDS = 2_000
AIM_MILLISECONDS = 1.0
POLICIES = ("random", "beta_ts", "linear_ts", "greedy", "epinet_ts")


def main(candidates: int = 200) -> None:
    """Measure and print; on the core that we run on, and no other."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    items = _items()
    rows = [_row(name, items, candidates=candidates) for name in POLICIES]
    print(
        f"{'policy':<12} {'p50 ms':>8} {'p99 ms':>8} {'per feed of 256 ms':>19} {'learn 64 rows ms':>17} {'bytes':>8}"
    )
    for row in rows:
        print(
            f"{row['policy']:<12} {row['p50_ms']:>8.3f} {row['p99_ms']:>8.3f} {row['batched_ms']:>19.3f}"
            f" {row['learn_ms']:>17.3f} {row['state_bytes']:>8,}"
        )
    sizes = NetworkSizes()
    biases = sum(int(np.prod(shape)) for name, shape in sizes.shapes.items() if name.endswith("_bias"))
    print(
        f"epinet: {sizes.trainable - biases:,} trainable weights (report: 2,336) and {biases} biases,"
        f" {sizes.fixed:,} fixed (report: 3,136)"
    )
    figure = next(row["p50_ms"] for row in rows if row["policy"] == "epinet_ts")
    told = tell(
        "epinet_speed",
        f"the epinet's scores of {candidates} candidates on one core, p50",
        figure,
        unit="ms",
        target=at_most(AIM_MILLISECONDS),
    )
    linear = next(row["p50_ms"] for row in rows if row["policy"] == "linear_ts")
    tell(
        "epinet_speed",
        "the epinet's scores, as long as a linear policy's",
        figure / linear,
        unit="x",
        against="`linear_ts`",
    )
    print(f"{candidates} candidates in {figure:.3f} ms; the aim of {AIM_MILLISECONDS} ms: {told.verdict}")
    print(json.dumps({"benchmark": "epinet_speed", "candidates": candidates, "rows": rows}))


def _items() -> Items:
    generator = np.random.default_rng(1)
    return Items(vectors=generator.standard_normal((ITEMS, 64)), groups=generator.integers(0, 12, ITEMS))


def _contexts(items: Items, generator: np.random.Generator, *, count: int, candidates: int) -> Contexts:
    return Contexts(
        users=np.arange(count),
        user_vectors=generator.standard_normal((count, 64)),
        user_groups=np.zeros(count, np.int64),
        candidates=np.sort(generator.random((count, ITEMS)).argpartition(candidates, axis=1)[:, :candidates]),
        items=items,
        day=0,
    )


def _row(name: str, items: Items, *, candidates: int) -> dict[str, Any]:
    generator = np.random.default_rng(2)
    policy = make_policy(name, items=items, generator=generator)
    learn = _learning(policy, items, generator)
    one = _contexts(items, generator, count=1, candidates=candidates)
    many = _contexts(items, generator, count=256, candidates=candidates)
    single = _milliseconds(lambda: policy.choose(one, size=SLATE, generator=generator), rounds=ROUNDS)
    batched = _milliseconds(lambda: policy.choose(many, size=SLATE, generator=generator), rounds=20)
    return {
        "policy": name,
        "p50_ms": float(np.median(single)),
        "p99_ms": float(np.quantile(single, 0.99)),
        "batched_ms": float(np.median(batched)) / 256,
        "learn_ms": float(np.median(learn)),
        "state_bytes": policy.state_bytes,
    }


def _learning(
    policy: "PolicyWithChances", items: Items, generator: np.random.Generator
) -> "np.ndarray[Any, Any]":
    """Teach it something, and return how long each batch took."""
    feedback = Feedback(
        users=np.arange(64),
        user_vectors=generator.standard_normal((64, 64)),
        user_groups=np.zeros(64, np.int64),
        items=generator.integers(0, ITEMS, 64),
        positions=np.zeros(64, np.int64),
        rewards=(generator.random(64) < 0.2).astype(np.float64),
        propensities=np.full(64, np.nan),
        all_items=items,
    )
    return _milliseconds(lambda: policy.learn(feedback, generator=generator), rounds=50)


def _milliseconds(work: Callable[[], object], *, rounds: int) -> "np.ndarray[Any, Any]":
    for _ in range(3):
        work()
    taken = np.empty(rounds)
    for number in range(rounds):
        began = time.perf_counter()
        work()
        taken[number] = time.perf_counter() - began
    return taken * 1000


def _with_one_thread() -> None:
    """Begin anew with one thread of linear algebra: two of them on one core wait for each other."""
    wanted = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP", "MKL")}
    if not wanted.items() <= os.environ.items():
        command = [sys.executable, "-m", "tests.benchmarks.epinet_speed", *sys.argv[1:]]
        os.execve(sys.executable, command, os.environ | wanted)  # noqa: S606


if __name__ == "__main__":
    _with_one_thread()
    main(*(int(argument) for argument in sys.argv[1:]))
