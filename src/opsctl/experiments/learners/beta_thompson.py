"""What if all that counts is which kind of reader sees which kind of item: Beta-Bernoulli Thompson sampling by groups.

For each group of readers and each group of items there is a Beta(a, b), with the prior and the rules of the service's own
exploration (`ranking.thompson`): a batch adds successes to a and failures to b, and what is pending counts neither way
(feedback never holds it). Before it both may be drawn towards the prior, which the service does not do: `forgetting`.
"""

from dataclasses import dataclass

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.choosing import (
    PROPENSITY_DRAWS,
    Drawing,
    DrawsSlates,
    check_feedback,
)
from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids
from opsctl.ranking.thompson import PRIOR

KIND = "beta_ts"


class BetaThompsonPolicy(DrawsSlates):
    """Draws a rate for each group of items, anew for each place of a slate, and shows an item of the best group there.

    Which item of the group is left to chance. One draw for the whole slate would fill it with items of a single group.

    Args:
        forgetting: g, from 0 to 1; 1 forgets nothing.
        propensity_draws: slates drawn to know propensities.
    """

    name = KIND

    def __init__(self, *, forgetting: float = 1.0, propensity_draws: int = PROPENSITY_DRAWS) -> None:
        if not 0 <= forgetting <= 1:
            raise UsageError(
                f"forgetting is a share from 0 to 1, not {forgetting}", code="EXP102", fix="1 forgets nothing"
            )
        self.forgetting = forgetting
        self.propensity_draws = propensity_draws
        self._rates: Floats = np.full((2, 0, 0), PRIOR)

    @property
    def alpha(self) -> Floats:
        """Return a of each group of readers and of items, shape (readers' groups, items' groups)."""
        alpha: Floats = self._rates[0]
        return alpha

    @property
    def beta(self) -> Floats:
        """Return b, of the same shape."""
        beta: Floats = self._rates[1]
        return beta

    @property
    def state_bytes(self) -> int:
        """Return the size of a and b."""
        return self._rates.nbytes

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:  # noqa: ARG002
        """Count a batch."""
        check_feedback(feedback)
        item_groups = feedback.all_items.groups
        self._make_room(feedback.user_groups, item_groups)
        self._rates = self.forgetting * self._rates + (1.0 - self.forgetting) * PRIOR
        self._count(feedback.user_groups, item_groups[feedback.items], feedback.rewards, place=0)
        self._count(feedback.user_groups, item_groups[feedback.items], 1.0 - feedback.rewards, place=1)

    def _drawing(self, contexts: Contexts, size: int) -> Drawing:
        self._make_room(contexts.user_groups, contexts.items.groups)
        groups = contexts.items.groups[contexts.candidates]

        def draw(rows: slice, *, draws: int, generator: np.random.Generator) -> Ids:
            stock = _stock(groups[rows], draws, count=self._rates.shape[2], generator=generator)
            return self._slates(contexts.user_groups[rows], stock, size=size, generator=generator)

        floats_a_draw = 1 + 4 * self._rates.shape[2] // max(1, groups.shape[1])
        return Drawing(contexts=contexts, size=size, draw=draw, floats=1, floats_a_draw=floats_a_draw)

    def _count(self, user_groups: Ids, item_groups: Ids, amounts: Floats, *, place: int) -> None:
        shape = self._rates.shape[1:]
        flat = user_groups * shape[1] + item_groups
        self._rates[place] += np.bincount(flat, weights=amounts, minlength=shape[0] * shape[1]).reshape(shape)

    def _make_room(self, user_groups: Ids, item_groups: Ids) -> None:
        """Know nothing of groups that come up for the first time."""
        users = max(self._rates.shape[1], int(user_groups.max(initial=-1)) + 1)
        items = max(self._rates.shape[2], int(item_groups.max(initial=-1)) + 1)
        if min(user_groups.min(initial=0), item_groups.min(initial=0)) < 0:
            raise UsageError("a group is below 0", code="EXP102", fix="count groups from 0")
        if (users, items) != self._rates.shape[1:]:
            grown = np.full((2, users, items), PRIOR)
            grown[:, : self._rates.shape[1], : self._rates.shape[2]] = self._rates
            self._rates = grown

    def _slates(self, user_groups: Ids, stock: "_Stock", *, size: int, generator: np.random.Generator) -> Ids:
        """Return places, shape (rows, draws, m): for each place a draw of its own, and the best group that has items left."""
        rows, draws, _ = stock.order.shape
        used = np.zeros((rows, draws, stock.counts.shape[1]), np.int64)
        places = np.empty((rows, draws, size), np.int64)
        every_row, every_draw = np.arange(rows)[:, None], np.arange(draws)
        for place in range(size):
            rates = self._drawn(user_groups, draws, generator)
            rates[used >= stock.counts[:, None]] = -1.0
            group = rates.argmax(axis=2)
            turn = stock.starts[every_row, group] + used[every_row, every_draw, group]
            places[..., place] = stock.order[every_row, every_draw, turn]
            used[every_row, every_draw, group] += 1
        return places

    def _drawn(self, user_groups: Ids, draws: int, generator: np.random.Generator) -> Floats:
        """Return rates, shape (rows, draws, items' groups): Beta(a, b) = x / (x + y) of two gammas."""
        shape = (len(user_groups), draws, self._rates.shape[2])
        successes = generator.standard_gamma(self.alpha[user_groups][:, None], shape)
        failures = generator.standard_gamma(self.beta[user_groups][:, None], shape)
        drawn: Floats = successes / (successes + failures)
        return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stock:
    """Candidates by their groups; which item of a group comes first is left to chance, anew in each draw.

    Args:
        order: shape (rows, draws, c), places among the candidates, group by group.
        starts: shape (rows, groups), where each group begins in the order.
        counts: shape (rows, groups).
    """

    order: Ids
    starts: Ids
    counts: Ids


def _stock(groups: Ids, draws: int, *, count: int, generator: np.random.Generator) -> _Stock:
    order = (groups[:, None] + generator.random((len(groups), draws, groups.shape[1]))).argsort(axis=2)
    rows = np.arange(len(groups))[:, None]
    flat = np.bincount((rows * count + groups).ravel(), minlength=len(groups) * count)
    counts = flat.reshape(len(groups), count)
    return _Stock(order=order, starts=counts.cumsum(axis=1) - counts, counts=counts)
