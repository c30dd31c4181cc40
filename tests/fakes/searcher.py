"""A vector database for measuring: latencies by collection, answers by script, a state that a test can change."""

import random
from collections.abc import Callable, Sequence

from opsctl.vectors.host import SpinReading
from opsctl.vectors.search import Answer, PointId, Search
from opsctl.vectors.state import SideState


class FakeSearcher:
    """Answers every search with points 0 to limit-1; `misses` of them are wrong in the named collections.

    Engine times are lognormal around the collection's seconds; ACORN takes three times as long.
    """

    def __init__(self, seconds: dict[str, float], *, seed: int = 1) -> None:
        self.seconds = seconds
        self.misses: dict[str, int] = {}
        self.empty: set[str] = set()
        self.asked: list[Search] = []
        self.after: Callable[[int], None] = lambda _count: None
        self._random = random.Random(seed)

    def search(self, search: Search) -> Answer:
        """Answer one search."""
        self.asked.append(search)
        self.after(len(self.asked))
        if search.collection in self.empty:
            return Answer(ids=(), scores=(), engine_seconds=1e-4, client_seconds=1e-3)
        misses = 0 if search.exact else self.misses.get(search.collection, 0)
        ids: list[PointId] = [*range(search.limit - misses), *range(1000, 1000 + misses)]
        scores = [1 - 0.01 * place for place in range(search.limit - misses)] + [0.1] * misses
        took = self.seconds[search.collection] * self._random.lognormvariate(0, 0.1)
        took *= 3 if search.acorn else 1
        return Answer(ids=tuple(ids), scores=tuple(scores), engine_seconds=took, client_seconds=took + 0.001)


class FakeStates:
    """Collections at rest, until a test says otherwise."""

    def __init__(self, points: int = 1000) -> None:
        self.points = points
        self.status: dict[str, str] = {}
        self.idle = True

    def state(self, collection: str) -> SideState:
        """Return the state of a collection."""
        return SideState(
            collection=collection,
            status=self.status.get(collection, "green"),
            is_idle=self.idle,
            points=self.points,
            config_digest="c" * 64,
        )


class FakeHost:
    """A machine that gives the CPU for a share of the time."""

    def __init__(self, *, cpu_share: float = 1.0) -> None:
        self.cpu_share = cpu_share

    def spin(self) -> SpinReading:
        """Return one spin of a millisecond."""
        return SpinReading(cpu_seconds=0.001 * self.cpu_share, wall_seconds=0.001)

    def load_per_core(self) -> float:
        """Return a quiet load."""
        return 0.1

    def process_seconds(self) -> float:
        """Return no CPU time."""
        return 0.0


class FakePool:
    """Stored vectors by id."""

    def __init__(self, vectors: dict[PointId, Sequence[float]]) -> None:
        self.stored = vectors

    def point_ids(self, collection: str) -> list[PointId]:
        """Return every id."""
        return list(self.stored)

    def vectors(self, collection: str, ids: Sequence[PointId]) -> list[Sequence[float]]:
        """Return the vectors of these points, in an order of its own."""
        return [self.stored[point] for point in sorted(ids, key=str)]
