"""How do readers and items of a log look to a policy: vectors from an early part of it, and what readers did up to a moment.

Nothing of the rows that are replayed is in the items' vectors, and nothing of later rows in the readers'.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from opsctl.experiments.learners.encoding import WIDTH
from opsctl.experiments.learners.model import Flags, Floats, Ids, Items
from opsctl.experiments.learners.replay_columns import LogKind
from opsctl.experiments.learners.replay_log import ReplayLog

GROUPS = 12
"""Groups of items, where there are too many for one group each."""
_FEW_ITEMS = 64
_CODE_WIDTH = 8
_SHRINKING = 3.0  # events: a reader of whom one is known is not yet known
_ROUNDS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The items as policies see them.

    Args:
        items: vectors and groups.
        centres: shape (g, d), the mean vector of each group that the early part knows.
        mean: mean reward of the early part.
        how: in a sentence, for the report.
    """

    items: Items
    centres: Floats
    mean: float
    how: str


def space_of(log: ReplayLog, *, early: int, generator: np.random.Generator) -> Space:
    """Return vectors from the first rows: a truncated singular value decomposition of readers by items.

    A cell holds the sum of rewards above the mean. Items that come later have no vector, and a group of their own. A bandit
    has few items and hardly any clicks: half of the numbers of an item are then a code drawn by chance, so that learners can
    tell items apart at all.

    Args:
        log: in the order of time.
        early: how many rows are taken.
        generator: of the first vectors of the decomposition, the codes and the groups.
    """
    mean = float(log.rewards[:early].mean())
    is_bandit = log.kind is LogKind.BANDIT
    width = WIDTH - _CODE_WIDTH if is_bandit else WIDTH
    vectors = _decomposed(_table(log, early, mean), width=width, generator=generator)
    known = np.zeros(log.item_count, np.bool_)
    known[log.items[:early]] = True
    vectors[~known] = 0.0  # the decomposition leaves a rest of 1e-16
    how = (
        f"{width} numbers an item from a singular value decomposition of the first {early:,} rows;"
        f" {int(known.sum()):,} of {log.item_count:,} items occur there"
    )
    if is_bandit:
        codes = generator.standard_normal((log.item_count, _CODE_WIDTH)) / np.sqrt(_CODE_WIDTH)
        vectors = np.concatenate([vectors, codes], axis=1)
        how += f"; and {_CODE_WIDTH} numbers drawn by chance"
    groups = (
        np.arange(log.item_count)
        if log.item_count <= _FEW_ITEMS
        else _groups(vectors, known, generator=generator)
    )
    centres = np.stack(
        [vectors[groups == group].mean(axis=0) for group in range(int(groups[known].max()) + 1)]
    )
    return Space(items=Items(vectors=vectors, groups=groups), centres=centres, mean=mean, how=how)


class Readers:
    """What is known of the readers so far: for each word about them, what came of the items that they saw."""

    def __init__(self, space: Space, log: ReplayLog) -> None:
        self._space = space
        self._words = max(1, log.reader_words)
        self._sums = np.zeros((self._words, space.items.vectors.shape[1]))
        self._counts = np.zeros(self._words)
        self._is_bandit = log.kind is LogKind.BANDIT

    def vectors(self, readers: Ids) -> Floats:
        """Return the mean over the words of each reader, shape (b, d); zeros where nothing is known."""
        if not readers.shape[1]:
            return np.zeros((len(readers), self._sums.shape[1]))
        means: Floats = (self._sums[readers] / (self._counts[readers] + _SHRINKING)[..., None]).mean(axis=1)
        return means

    def groups(self, vectors: Floats) -> Ids:
        """Return 1 + the group of items that each reader is nearest to, and 0 of nobody; one group for all in a bandit's log."""
        if self._is_bandit:
            return np.zeros(len(vectors), np.int64)
        nearest = (vectors @ self._space.centres.T).argmax(axis=1)
        return np.where(vectors.any(axis=1), 1 + nearest, 0)

    def note(self, readers: Ids, items: Ids, rewards: Floats) -> None:
        """Remember rows that are past."""
        above = (rewards - self._space.mean)[:, None] * self._space.items.vectors[items]
        for word in range(readers.shape[1]):
            np.add.at(self._sums, readers[:, word], above)
            np.add.at(self._counts, readers[:, word], 1.0)


def _table(log: ReplayLog, early: int, mean: float) -> sparse.csr_matrix:
    """Return the sum of rewards above the mean for each word about readers and each item."""
    words = log.readers[:early] if log.readers.shape[1] else np.zeros((early, 1), np.int64)
    rows = words.ravel()
    columns = np.repeat(log.items[:early], words.shape[1])
    values = np.repeat(log.rewards[:early] - mean, words.shape[1])
    shape = (max(1, log.reader_words), log.item_count)
    return sparse.coo_matrix((values, (rows, columns)), shape=shape).tocsr()


def _decomposed(table: sparse.csr_matrix, *, width: int, generator: np.random.Generator) -> Floats:
    """Return items' vectors, shape (items, width), each direction scaled by its singular value; zeros where there are fewer."""
    most = min(table.shape) - 1
    if most <= width:
        _, values, directions = np.linalg.svd(table.toarray(), full_matrices=False)
    else:
        start = generator.standard_normal(min(table.shape))
        _, values, directions = linalg.svds(table, k=width, v0=start)
        order = np.argsort(-values)
        values, directions = values[order], directions[order]
    vectors = np.zeros((table.shape[1], width))
    kept = min(width, int((values > 1e-9).sum()))
    vectors[:, :kept] = directions[:kept].T * values[:kept]
    greatest = np.abs(vectors).argmax(axis=0)
    return vectors * np.where(vectors[greatest, np.arange(width)] < 0, -1.0, 1.0)


def _groups(vectors: Floats, known: Flags, *, generator: np.random.Generator) -> Ids:
    """Return the group of each item: by direction (spherical k-means); those without a vector have a group of their own."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.maximum(lengths, 1e-12)
    inside = np.flatnonzero(known & (lengths[:, 0] > 1e-12))
    groups = np.full(len(vectors), 0)
    if not len(inside):
        return groups
    count = min(GROUPS, len(inside))
    centres = units[generator.choice(inside, count, replace=False)]
    for _ in range(_ROUNDS):
        nearest = (units[inside] @ centres.T).argmax(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, units[inside])
        norms = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(norms > 1e-12, sums / np.maximum(norms, 1e-12), centres)
    groups[:] = count
    groups[inside] = (units[inside] @ centres.T).argmax(axis=1)
    return np.unique(groups, return_inverse=True)[1].ravel()
