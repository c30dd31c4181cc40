"""How is a collection cut into ranges of ids that streams can copy side by side?"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from opsctl.clients.qdrant_values import PointId

SMALLEST_BATCH, LARGEST_BATCH = 64, 1024
_START_BATCH = 512
_CLEAR_GAIN = 1.05  # a change below 5 % is noise on a shared machine


def id_key(point_id: PointId) -> tuple[int, int, str]:
    """Return what sorts ids as Qdrant does: numbers first, then UUIDs by their bytes."""
    if isinstance(point_id, int):
        return (0, point_id, "")
    return (1, 0, point_id.replace("-", "").lower())


def split_ids(sampled: Sequence[PointId], *, parts: int) -> list[tuple[PointId | None, PointId | None]]:
    """Return up to `parts` ranges (start, end) that cover all ids, about equally full by the sample.

    >>> split_ids([40, 10, 30, 20], parts=2)
    [(None, 30), (30, None)]
    """
    ordered = sorted(set(sampled), key=id_key)
    wanted = max(1, min(parts, len(ordered)))
    cuts = [ordered[len(ordered) * part // wanted] for part in range(1, wanted)]
    return list(zip([None, *cuts], [*cuts, None], strict=True))


@dataclass(slots=True)
class BatchSizer:
    """Finds the batch size that moves the most points a second, by doubling and halving while it pays."""

    size: int = _START_BATCH
    _best_rate: float = 0.0
    _best_size: int = _START_BATCH
    _is_growing: bool = True
    _is_settled: bool = field(default=False)

    def learn(self, *, points: int, seconds: float) -> None:
        """Take in how long a batch took; a batch that was not full says nothing."""
        if self._is_settled or points < self.size or seconds <= 0:
            return
        rate = points / seconds
        if rate > self._best_rate * _CLEAR_GAIN:
            self._best_rate, self._best_size = rate, self.size
            self._step()
        elif self._is_growing and self._best_size == _START_BATCH:
            # Growing from the start did not pay; perhaps shrinking does.
            self._is_growing = False
            self.size = _START_BATCH // 2
        else:
            self.size, self._is_settled = self._best_size, True

    def shrink(self) -> None:
        """Halve the batch after the server could not cope with it."""
        self.size = max(SMALLEST_BATCH, self.size // 2)
        self._is_settled = True

    def _step(self) -> None:
        following = self.size * 2 if self._is_growing else self.size // 2
        if SMALLEST_BATCH <= following <= LARGEST_BATCH:
            self.size = following
        else:
            self._is_settled = True
