"""What had been sent and answered at each moment of a run, over all processes: from their frames."""

from bisect import bisect_right
from dataclasses import dataclass, field

from opsctl.bench.load.tally import Frame, Outcome

_MOST_ROWS = 4096
"""Of each process; beyond an hour or so every other one is forgotten, so that memory does not grow with time."""


@dataclass(slots=True)
class _Row:
    """Cumulative counts of one process by time."""

    seconds: list[float] = field(default_factory=lambda: [0.0])
    counts: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    """Of requests sent, and of good answers."""


class Timeline:
    """Grows with each frame; counts between two frames are taken as even."""

    def __init__(self) -> None:
        self._rows: dict[int, _Row] = {}

    def add(self, frame: Frame) -> None:
        """Take what is new since the last frame of its process."""
        row = self._rows.setdefault(frame.process, _Row())
        sent, good = row.counts[-1]
        new = frame.new
        row.seconds.append(max(frame.seconds, row.seconds[-1]))
        row.counts.append((sent + new.sent, good + new.outcomes.get(Outcome.OK, 0)))
        if len(row.seconds) > _MOST_ROWS:
            del row.seconds[1:-1:2], row.counts[1:-1:2]

    def sent_at(self, second: float) -> float:
        """Return how many requests had been sent by then."""
        return self._at(second, 0)

    def good_at(self, second: float) -> float:
        """Return how many good answers had come by then."""
        return self._at(second, 1)

    def _at(self, second: float, column: int) -> float:
        return sum(_interpolated(row, second, column) for row in self._rows.values())


def _interpolated(row: _Row, second: float, column: int) -> float:
    place = bisect_right(row.seconds, second)
    if place == len(row.seconds):
        return row.counts[-1][column]
    begin, end = row.seconds[place - 1], row.seconds[place]
    first, last = row.counts[place - 1][column], row.counts[place][column]
    return first + (last - first) * (second - begin) / (end - begin)
