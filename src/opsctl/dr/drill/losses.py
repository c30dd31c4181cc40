"""What was really lost: what was acknowledged before the destruction, against what is there after the recovery.

The schedule of backups says what may be lost; only the rows say what was. Lost are rows that were acknowledged and are gone,
a *hole* where a later row is there, the *tail* where none is. A *phantom* is a row that is there though nobody sent it.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A row that a store has promised to keep; times are seconds of the wall clock."""

    number: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What became of one stream of rows.

    `rpo_seconds` is the time whose acknowledged work is lost, or shaken: from the last row before the first lost one
    to the destruction; 0 where nothing was lost.
    """

    stream: str
    acknowledged: int
    tail: int
    holes: int
    phantoms: int
    rpo_seconds: float
    first_lost: tuple[int, ...] = ()

    @property
    def lost(self) -> int:
        """Return how many acknowledged rows are gone."""
        return self.tail + self.holes


def measure_loss(
    stream: str,
    *,
    sent: AbstractSet[int],
    acknowledged: Iterable[Acknowledged],
    there: AbstractSet[int],
    destroyed_at: float,
) -> Loss:
    """Return what of a stream is lost.

    Args:
        stream: its name.
        sent: numbers of all rows that were ever sent, acknowledged or not.
        acknowledged: rows that were acknowledged, those before the destruction count.
        there: numbers of the rows that are there after the recovery.
        destroyed_at: when the destruction began.
    """
    before = sorted((row for row in acknowledged if row.at <= destroyed_at), key=lambda row: row.number)
    lost = [row for row in before if row.number not in there]
    newest = max((row.number for row in before if row.number in there), default=-1)
    holes = [row for row in lost if row.number < newest]
    return Loss(
        stream=stream,
        acknowledged=len(before),
        tail=len(lost) - len(holes),
        holes=len(holes),
        phantoms=len(there - sent),
        rpo_seconds=_rpo_seconds(before, lost, destroyed_at=destroyed_at),
        first_lost=tuple(row.number for row in lost[:5]),
    )


def _rpo_seconds(
    before: Sequence[Acknowledged], lost: Sequence[Acknowledged], *, destroyed_at: float
) -> float:
    """Return the time from the last row of the unbroken beginning to the destruction."""
    if not lost:
        return 0.0
    kept = [row.at for row in before if row.number < lost[0].number]
    # Without any row before, all that is known is that nothing since the first one is safe.
    return max(0.0, destroyed_at - (max(kept) if kept else before[0].at))


def divergence(streams: Mapping[str, AbstractSet[int]]) -> int:
    """Return how many rows are not in all of the stores."""
    sets: list[set[int]] = [set(each) for each in streams.values()]
    return len(set[int]().union(*sets) - sets[0].intersection(*sets)) if sets else 0
