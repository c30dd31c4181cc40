"""Which feed would have been asked for at each row of a log: the reader as known by then, and what there was to choose from."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Contexts, Feedback, Flags, Floats, Ids, Items
from opsctl.experiments.learners.replay_columns import LogKind
from opsctl.experiments.learners.replay_log import ReplayLog
from opsctl.experiments.learners.replay_space import Readers, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Rows that are replayed together, b of them.

    Args:
        contexts: what policies see.
        items: shape (b,), what was logged.
        columns: shape (b,), where that stands among the candidates.
        positions: shape (b,), from 0.
        rewards: shape (b,).
        propensities: shape (b,), NaN where none were logged.
    """

    contexts: Contexts
    items: Ids
    columns: Ids
    positions: Ids
    rewards: Floats
    propensities: Floats

    def feedback(self, which: Flags, *, all_items: Items) -> Feedback:
        """Return what a policy learns from some of the rows."""
        return Feedback(
            users=self.contexts.users[which],
            user_vectors=self.contexts.user_vectors[which],
            user_groups=self.contexts.user_groups[which],
            items=self.items[which],
            positions=self.positions[which],
            rewards=self.rewards[which],
            propensities=self.propensities[which],
            all_items=all_items,
        )


class Feeds:
    """Makes the blocks of a log, in the order of time."""

    def __init__(
        self, log: ReplayLog, space: Space, *, candidates: int, generator: np.random.Generator
    ) -> None:
        self._log, self._space = log, space
        self._candidates, self._generator = candidates, generator
        self._readers = Readers(space, log)
        self.skipped = 0
        """Rows for which there were too few others with different items to choose from."""

    def note(self, rows: slice) -> None:
        """Let what readers did in these rows be known."""
        log = self._log
        self._readers.note(log.readers[rows], log.items[rows], log.rewards[rows])

    def block(self, rows: slice) -> Block:
        """Return these rows as feeds, each with what was known before the first of them."""
        log = self._log
        kept = np.arange(rows.start, rows.stop)
        if log.kind is LogKind.BANDIT:
            candidates = np.broadcast_to(np.arange(log.item_count), (len(kept), log.item_count))
            columns = log.items[rows]
        else:
            candidates, is_whole = candidates_of(
                log.items[rows], count=self._candidates, generator=self._generator
            )
            kept, candidates = kept[is_whole], candidates[is_whole]
            self.skipped += int((~is_whole).sum())
            columns = (candidates == log.items[kept][:, None]).argmax(axis=1)
        propensities = np.full(log.rows, np.nan) if log.propensities is None else log.propensities
        return Block(
            contexts=self._contexts(kept, candidates),
            items=log.items[kept],
            columns=columns,
            positions=log.positions[kept],
            rewards=log.rewards[kept],
            propensities=propensities[kept],
        )

    def _contexts(self, rows: Ids, candidates: Ids) -> Contexts:
        log = self._log
        vectors = self._readers.vectors(log.readers[rows])
        users = log.readers[rows, 0] if log.readers.shape[1] else np.zeros(len(rows), np.int64)
        return Contexts(
            users=users,
            user_vectors=vectors,
            user_groups=self._readers.groups(vectors),
            candidates=candidates,
            items=self._space.items,
            day=int((log.times[rows[0]] - log.times[0]) // 86_400) if len(rows) else 0,
        )


def candidates_of(items: Ids, *, count: int, generator: np.random.Generator) -> tuple[Ids, Flags]:
    """Return what each row could have been about, and which rows have enough of it.

    Rows are put into groups of `count` with as many different items, and offer each other's. So whatever is popular is offered
    as often as it was logged, and in each group every candidate is the logged one of exactly one row: who chooses without
    looking at the reader is accepted once in `count`, however much is known of what is popular. That is what rejection
    needs. Others drawn from the catalogue, or by popularity, would let such a chooser be accepted more often.

    Args:
        items: shape (b,), what was logged.
        count: candidates a row, the logged item among them.
        generator: decides which rows meet.

    Returns:
        Shape (b, count), ascending; and shape (b,), False for rows that found no group: of items that make up more than one
        in `count` rows, or were left at the end.
    """
    order, groups = _grouped(items, count, generator)
    candidates, is_whole = np.zeros((len(items), count), np.int64), np.zeros(len(items), np.bool_)
    if groups:
        members = order.reshape(
            count, groups
        ).T  # those of one item stand side by side in the order, so never in one group
        is_whole[order] = True
        candidates[members] = np.sort(items[members], axis=1)[:, None]
    return candidates, is_whole


def _grouped(items: Ids, count: int, generator: np.random.Generator) -> tuple[Ids, int]:
    """Return rows item by item, as many as fill the groups, and how many groups: no item has more rows than there are groups."""
    words, places, counts = np.unique(items, return_inverse=True, return_counts=True)
    groups = len(items) // count
    while (fitting := int(np.minimum(counts, groups).sum()) // count) < groups:
        groups = fitting
    mixed = generator.permutation(len(items))
    turns = generator.permutation(len(words))[places.ravel()]  # items in an order drawn by chance
    order = mixed[turns[mixed].argsort(kind="stable")]
    starts = np.flatnonzero(np.diff(turns[order], prepend=-1))
    turn = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    fit = order[turn < groups]
    kept = np.sort(generator.permutation(len(fit))[: groups * count])
    return fit[kept], groups
