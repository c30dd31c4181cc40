"""Where does the search of a reader begin of whom nothing is known: the middle of what is popular where they look."""

from collections.abc import Callable

import numpy as np

from opsctl.service.feed.items import VectorsOfItems
from opsctl.service.feed.trending import TrendingBoard
from opsctl.service.feed.values import Vector

_ITEMS = 50
_KNOWN_SECONDS = 300.0


class Priors:
    """A vector for each region and category: the mean of the vectors of their most popular items.

    Popularity starts from quality, so where nobody has done anything yet it is the best items that count. Not the
    embedding of a text such as `photographer AU`: that says where such words are, not where the good offers are, and
    would need the model at request time. Where a combination has no items, the region decides, then everything.

    Args:
        board: what is popular.
        vectors: of items.
        dimension: length of the vectors.
        steady: a monotonic clock.
    """

    def __init__(
        self, board: TrendingBoard, *, vectors: VectorsOfItems, dimension: int, steady: Callable[[], float]
    ) -> None:
        self._board = board
        self._vectors = vectors
        self._dimension = dimension
        self._steady = steady
        self._known: dict[tuple[str | None, str | None], tuple[float, Vector]] = {}

    def forget(self) -> None:
        """Forget all of them: what they were made of may have been a lie."""
        self._known.clear()

    async def of(self, *, region: str | None, category: str | None) -> Vector:
        """Return a vector of length 1."""
        key = (region, category)
        if key in self._known and self._known[key][0] > self._steady():
            return self._known[key][1]
        for in_region, of_category in dict.fromkeys([key, (region, None), (None, None)]):
            items = self._board.top(region=in_region, category=of_category, limit=_ITEMS)
            vectors = list((await self._vectors.of([item.content_id for item in items])).values())
            if vectors:
                vector = self._middle(vectors)
                self._known[key] = (self._steady() + _KNOWN_SECONDS, vector)
                return vector
        # Nothing is popular because nothing is known yet: any direction finds something.
        return self._middle([])

    def _middle(self, vectors: list[Vector]) -> Vector:
        total = np.sum(vectors, axis=0, dtype=np.float64) if vectors else np.zeros(self._dimension)
        length = float(np.linalg.norm(total))
        if length < 1e-6:
            total, length = np.eye(1, self._dimension)[0], 1.0
        return np.asarray(total / length, dtype=np.float32)
