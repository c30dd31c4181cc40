"""How long does the simulator take for so many readers and days, and how much memory?

    python -m tests.benchmarks.simulator_speed [--users 1000] [--days 14] [--long] [--seeds 1]

`--long` is 10,000 readers and 60 days, which must end within ten minutes on two cores. Each figure is one run in a process of
its own: two arms of half the readers each, a policy that costs nearly nothing, regret against the oracle's slate, and all
exposures and events written as Parquet files. What policies take comes on top; that of the service's real ranking is
measured by itself, on fewer readers.
"""

import argparse
import multiprocessing
import platform
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from tests.benchmarks.rows import Spread, at_most, tell

from opsctl.experiments.learners.model import Contexts, Feedback, Slates
from opsctl.experiments.simulator.events import write_days
from opsctl.experiments.simulator.market import make_market
from opsctl.experiments.simulator.observed_items import usual_items
from opsctl.experiments.simulator.ranking_policy import RankingPolicy
from opsctl.experiments.simulator.run import Plan, run_days
from opsctl.experiments.simulator.treatment import Treatment
from opsctl.experiments.simulator.world_book import World

MOST_SECONDS = 600.0
_RANKED_USERS, _RANKED_DAYS = 100, 7


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run took."""

    sessions: int
    seconds: float
    megabytes: float
    file_megabytes: float


def main() -> None:
    """Measure and print."""
    arguments = _parse()
    users, days = (10_000, 60) if arguments.long else (arguments.users, arguments.days)
    print(
        f"{platform.processor() or platform.machine()}, {psutil.cpu_count()} cores, Python {platform.python_version()}"
    )
    taken = []
    for seed in range(1, arguments.seeds + 1):
        figures = _apart(users, days, seed)
        print(
            f"{users:,} readers x {days} days, seed {seed}: {figures.seconds:.1f} s, {figures.sessions:,} sessions "
            f"({1e6 * figures.seconds / max(1, figures.sessions):.0f} microseconds each), "
            f"at most {figures.megabytes:.0f} MB, {figures.file_megabytes:.1f} MB of files"
        )
        taken.append(figures.seconds)
    row = tell(
        "simulator_speed",
        f"{users:,} readers x {days} days, a policy that costs nothing",
        Spread.of_turns(taken),
        unit="s",
        target=at_most(MOST_SECONDS),
    )
    print(f"  at most {MOST_SECONDS:.0f} s: {row.verdict}")
    seconds, sessions = _ranked()
    print(
        f"the service's ranking, four agents: {1e3 * seconds / sessions:.2f} ms a feed, its learning included"
    )
    tell("simulator_speed", "a feed of the service's ranking on top", 1e3 * seconds / sessions, unit="ms")


def _apart(users: int, days: int, seed: int) -> Figures:
    """Measure in a new process, so that its greatest memory is that of the run."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (users, days, seed))


def measure(users: int, days: int, seed: int) -> Figures:
    """Return what a run takes, from nothing to the last file."""
    began, sessions = time.perf_counter(), 0
    market = make_market(World(users=users), seed=seed)
    items = usual_items(market.observables)
    arms = {name: Treatment(policy=_Cheap(), items=items, agent_calls=4) for name in ("control", "other")}
    assignment = np.random.default_rng(seed).integers(0, 2, users)
    with tempfile.TemporaryDirectory() as folder:
        run = run_days(market, arms, assignment, plan=Plan(days=days))
        for day in write_days(run, folder=Path(folder), experiment="speed"):
            sessions += len(day.sessions.users)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
    return Figures(
        sessions=sessions,
        seconds=time.perf_counter() - began,
        megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        file_megabytes=size / 1e6,
    )


def _ranked() -> tuple[float, int]:
    market = make_market(World(users=_RANKED_USERS), seed=1)
    treatment = Treatment(policy=RankingPolicy(market.observables), items=usual_items(market.observables))
    began = time.perf_counter()
    days = list(
        run_days(
            market,
            {"ranking": treatment},
            np.zeros(_RANKED_USERS, np.int64),
            plan=Plan(days=_RANKED_DAYS, with_oracle=False),
        )
    )
    return time.perf_counter() - began, sum(len(day.sessions.users) for day in days)


class _Cheap:
    """Shows what is like the reader's clicks: one product of matrices."""

    name = "similar"
    state_bytes = 0

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Return the nearest candidates."""
        scores = np.take_along_axis(
            contexts.user_vectors @ contexts.items.vectors.T, contexts.candidates, axis=1
        )
        scores += 1e-6 * generator.random(scores.shape)
        order = np.argpartition(-scores, size, axis=1)[:, :size]
        best = np.take_along_axis(
            order, np.argsort(-np.take_along_axis(scores, order, axis=1), axis=1), axis=1
        )
        items = np.take_along_axis(contexts.candidates, best, axis=1)
        return Slates(items=items, propensities=np.full(items.shape, np.nan))

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Learn nothing."""


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--long", action="store_true", help="10,000 readers and 60 days")
    return parser.parse_args()


if __name__ == "__main__":
    main()
