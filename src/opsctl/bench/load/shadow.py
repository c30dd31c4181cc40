"""How much of the exact answer do searches find under load: a few arrivals repeated as two searches, on a budget.

What is compared: for a drawn arrival, the service's own kind of search (approximate, over the source collection, as for
a feed without region and category) beside an exact one with the same vector, at the moment of the arrival. The vector is
one of the stored collection's neighbourhood that belongs to the user by number, not the user's own taste, which only the
service knows.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from opsctl.bench.load import book
from opsctl.bench.load.draws import uniform
from opsctl.bench.load.model import Recall
from opsctl.bench.load.ports import Arrivals
from opsctl.core.clock import Clock
from opsctl.core.errors import OpsError
from opsctl.vectors.intervals import mean_interval
from opsctl.vectors.recall import recall
from opsctl.vectors.search import Search, Searcher

_STREAM = 7
_SEED = 20_261_123
_LATE_SECONDS = 1.0
"""An arrival whose turn comes later than this is skipped: it would measure another moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowPlan:
    """What is searched.

    Args:
        collection: where.
        vectors: those of the users, by turns.
        wanted: share, budget and limit.
        seed: decides which arrivals are drawn.
    """

    collection: str
    vectors: Sequence[Sequence[float]]
    wanted: book.Shadow
    seed: int


@dataclass(slots=True)
class _Found:
    """What the thread has found so far."""

    recalls: list[float] = field(default_factory=list)
    skipped: int = 0
    failed: int = 0


class ShadowSearches:
    """Searches in a thread of its own from entering the block to leaving it."""

    def __init__(
        self,
        plan: ShadowPlan,
        *,
        arrivals: Arrivals,
        users: Callable[[Sequence[int]], Sequence[int]],
        searcher: Searcher,
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._arrivals = arrivals
        self._users = users
        self._searcher = searcher
        self._clock = clock
        self._found = _Found()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._search_all, name="shadow", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def recall(self) -> Recall:
        """Return what was found; searches that failed count as skipped."""
        found = self._found
        interval = mean_interval(found.recalls, seed=_SEED)
        limit = self._plan.wanted.limit
        return Recall(
            searches=len(found.recalls),
            limit=limit,
            value=interval.value if interval else None,
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            skipped=found.skipped + found.failed,
            compares=f"approximate beside exact search of `{self._plan.collection}`, {limit} neighbours",
        )

    def _search_all(self) -> None:
        began = self._clock.monotonic()
        free_at = 0.0
        for second, user in drawn(
            self._arrivals, share=self._plan.wanted.share, seed=self._plan.seed, users=self._users
        ):
            if self._ended.wait(max(0.0, began + second - self._clock.monotonic())):
                return
            now = self._clock.monotonic() - began
            if now < free_at or now - second > _LATE_SECONDS:
                self._found.skipped += 1
                continue
            free_at = now + 1 / self._plan.wanted.most_per_second
            self._search(user)

    def _search(self, user: int) -> None:
        vector = self._plan.vectors[user % len(self._plan.vectors)]
        search = Search(collection=self._plan.collection, vector=vector, limit=self._plan.wanted.limit)
        exact = Search(collection=search.collection, vector=vector, limit=search.limit, exact=True)
        try:
            found = self._searcher.search(search)
            truth = self._searcher.search(exact)
        except OpsError:
            # Under an overload searches fail; the load itself goes on, and the report tells how many.
            self._found.failed += 1
            return
        self._found.recalls.append(recall(found, truth))


def drawn(
    arrivals: Arrivals, *, share: float, seed: int, users: Callable[[Sequence[int]], Sequence[int]]
) -> Iterator[tuple[float, int]]:
    """Yield second and user of the arrivals that are drawn, the same ones for the same seed."""
    for numbers, seconds in arrivals.share(0, of=1):
        chosen = uniform(numbers, seed=seed, stream=_STREAM) < share
        if chosen.any():
            yield from zip(seconds[chosen].tolist(), users(numbers[chosen].tolist()), strict=True)
