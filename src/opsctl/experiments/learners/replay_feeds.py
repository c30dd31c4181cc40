"""Which feed would have been asked for at each row of a log: the reader as known by then, and what there was to choose from."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Contexts, Feedback, Flags, Floats, Ids, Items
from opsctl.experiments.learners.replay_columns import LogKind
from opsctl.experiments.learners.replay_log import ReplayLog
from opsctl.experiments.learners.replay_space import Readers, Space

_TRIES = 4  # draws for each candidate that is wanted: items repeat


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
        self, log: ReplayLog, space: Space, *, candidates: int, block: int, generator: np.random.Generator
    ) -> None:
        self._log, self._space = log, space
        self._candidates, self._block, self._generator = candidates, block, generator
        self._readers = Readers(space, log)
        self.skipped = 0
        """Rows around which there were too few other items to choose from."""

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
            near = log.items[max(0, rows.start - self._block) : rows.stop]
            candidates, is_whole = candidates_of(
                log.items[rows], near, count=self._candidates, generator=self._generator
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


def candidates_of(items: Ids, near: Ids, *, count: int, generator: np.random.Generator) -> tuple[Ids, Flags]:
    """Return what each row could have been about, and which rows have enough of it.

    The other candidates are items of other rows near in time, so that they are as popular as what was logged: within a set,
    each is about equally likely to be the logged one, which is what rejection needs. Drawn evenly from the catalogue instead,
    whoever guesses what is popular would be accepted more often.

    Args:
        items: shape (b,), what was logged.
        near: items of rows near in time, with repetition.
        count: candidates a row, the logged item among them.
        generator: of the draws.

    Returns:
        Shape (b, count), ascending; and shape (b,), False where too few different items were found.
    """
    drawn = near[generator.integers(0, len(near), (len(items), _TRIES * count))]
    offered = np.concatenate([items[:, None], drawn], axis=1)
    order = offered.argsort(axis=1, kind="stable")
    ordered = np.take_along_axis(offered, order, axis=1)
    is_new = np.ones(offered.shape, np.bool_)
    repeats = np.concatenate([np.zeros((len(items), 1), np.bool_), ordered[:, 1:] == ordered[:, :-1]], axis=1)
    np.put_along_axis(is_new, order, ~repeats, axis=1)
    is_kept = is_new & (is_new.cumsum(axis=1) <= count)
    is_whole = is_kept.sum(axis=1) == count
    candidates = np.zeros((len(items), count), np.int64)
    candidates[is_whole] = np.sort(offered[is_whole][is_kept[is_whole]].reshape(-1, count), axis=1)
    return candidates, is_whole
