"""What is replayed: the earliest rows of a file, in the order of time, with what had to be put right on the way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.model import Floats, Ids
from opsctl.experiments.learners.replay_columns import Column, Columns, LogKind
from opsctl.experiments.learners.replay_file import LogFile, empty_log
from opsctl.experiments.learners.replay_piece import Piece

LEAST_ROWS = 100
"""Fewer rows say nothing of any policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayLog:
    """Rows in the order of time, n of them.

    Args:
        kind: what they are.
        readers: shape (n, f), numbers from 0 of what is known of the reader: its id, or each of its features.
        reader_words: how many such numbers there are.
        items: shape (n,), numbers from 0.
        item_count: how many items.
        rewards: shape (n,), 0 or 1 for ratings, 0 to 1 for clicks.
        times: shape (n,), seconds since 1970.
        positions: shape (n,), from 0.
        propensities: shape (n,), or None where the file has none.
        rows_in_file: all that were read.
        notes: what was put right, or must be known, in sentences.
    """

    kind: LogKind
    readers: Ids
    reader_words: int
    items: Ids
    item_count: int
    rewards: Floats
    times: Floats
    positions: Ids
    propensities: Floats | None
    rows_in_file: int
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Return n."""
        return len(self.items)

    @property
    def slate(self) -> int:
        """Return how many positions a slate has."""
        return int(self.positions.max(initial=0)) + 1


def read_log(file: LogFile, columns: Columns, *, rows: int, like_at: float, name: str) -> ReplayLog:
    """Return the earliest rows of a file; memory is bounded by `rows`, however long the file is.

    Args:
        file: to be read once.
        columns: which is which.
        rows: the most that are kept.
        like_at: ratings from here on are rewards of 1.
        name: of the file, for messages.

    Raises:
        UsageError: EXP106 and EXP108 the file is bad, EXP109 too few rows, EXP110 all rewards are alike.
    """
    keeper = _Keeper(most=rows)
    for piece in file.pieces(columns):
        keeper.add(piece)
    if not keeper.seen:
        raise empty_log(file.path)
    kept, repeated = _without_repeats(keeper.earliest(), columns.kind)
    notes = [*_notes(keeper, len(kept.rows), columns), *_notes_on_repeats(repeated, columns.kind)]
    if len(kept.rows) < LEAST_ROWS:
        raise UsageError(
            f"`{name}` holds {len(kept.rows)} rows, and {LEAST_ROWS} at least are needed",
            code="EXP109",
            fix="bring a longer log",
        )
    rewards = (kept.values >= like_at).astype(np.float64) if columns.kind is LogKind.RATINGS else kept.values
    if rewards.min() == rewards.max():
        raise _no_signal(kept, columns.kind, like_at)
    return _numbered(replace(kept, values=rewards), columns.kind, seen=keeper.seen, notes=tuple(notes))


class _Keeper:
    """The earliest rows so far: twice as many as are wanted are held at most, and a piece."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._held: list[Piece] = []
        self._size = 0
        self._latest = np.inf  # what is later than this is none of the earliest any more
        self._last = -np.inf
        self.seen = 0
        self.steps_back = 0
        """How often a row was earlier than the one before it."""

    def add(self, piece: Piece) -> None:
        times = np.concatenate([[self._last], piece.times])
        self.steps_back += int((np.diff(times) < 0).sum())
        self._last = float(piece.times[-1])
        self.seen += len(piece.rows)
        early = piece.only(piece.times < self._latest)
        self._held.append(early)
        self._size += len(early.rows)
        if self._size > 2 * self._most:
            self._cut()

    def earliest(self) -> Piece:
        self._cut()
        return self._held[0]

    def _cut(self) -> None:
        """Keep as many as are wanted, in the order of time; rows of the same time in that of the file."""
        whole = Piece.joined(self._held)
        order = np.argsort(whole.times, kind="stable")[: self._most]
        self._held = [whole.only(order)]
        self._size = len(order)
        if self._size == self._most:
            self._latest = float(self._held[0].times[-1])


def _without_repeats(piece: Piece, kind: LogKind) -> tuple[Piece, int]:
    """Return the rows without those that say again what the same reader said of the same item at the same time.

    Impressions are kept: two readers can be shown the same within a second, and logs do not say who they were.
    """
    keys = np.column_stack([piece.readers, piece.items, piece.positions, piece.times.view(np.int64)])
    order = np.lexsort(keys.T[::-1])
    is_repeat = np.zeros(len(keys), np.bool_)
    is_repeat[order[1:]] = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    repeated = int(is_repeat.sum())
    return (piece.only(~is_repeat) if kind is LogKind.RATINGS else piece), repeated


def _notes(keeper: _Keeper, kept: int, columns: Columns) -> Iterator[str]:
    if keeper.steps_back:
        yield (
            f"time goes back at {keeper.steps_back:,} of {keeper.seen:,} rows: they were sorted by time,"
            " rows of the same time in the order of the file"
        )
    if keeper.seen > kept:
        yield f"the earliest {kept:,} of {keeper.seen:,} rows are replayed; `--rows` takes more"
    if columns.kind is LogKind.BANDIT and not columns.features and Column.USER not in columns.names:
        yield "the log says nothing of its readers: all policies see the same reader"


def _notes_on_repeats(repeated: int, kind: LogKind) -> Iterator[str]:
    if repeated and kind is LogKind.RATINGS:
        yield f"rows that say again what the same reader said of the same item at the same time were left out: {repeated:,}"
    elif repeated:
        yield f"impressions like another one in all that was read were kept, for readers may be different: {repeated:,}"


def _no_signal(piece: Piece, kind: LogKind, like_at: float) -> UsageError:
    if kind is LogKind.BANDIT:
        return UsageError(
            f"every row has a click of {piece.values[0]:g}",
            code="EXP110",
            fix="bring a log in which something was clicked and something was not",
        )
    low, high = float(piece.values.min()), float(piece.values.max())
    return UsageError(
        f"with `--like-at {like_at:g}` all ratings mean the same",
        code="EXP110",
        why=f"they go from {low:g} to {high:g}",
        fix=f"choose a number above {low:g} and up to {high:g}",
    )


def _numbered(piece: Piece, kind: LogKind, *, seen: int, notes: tuple[str, ...]) -> ReplayLog:
    words, readers = np.unique(piece.readers, return_inverse=True)
    items, item_places = np.unique(piece.items, return_inverse=True)
    is_logged = not np.isnan(piece.propensities).any()
    return ReplayLog(
        kind=kind,
        readers=readers.reshape(piece.readers.shape),
        reader_words=len(words),
        items=item_places.ravel(),
        item_count=len(items),
        rewards=piece.values,
        times=piece.times,
        positions=piece.positions - piece.positions.min(),
        propensities=piece.propensities if is_logged else None,
        rows_in_file=seen,
        notes=notes,
    )
