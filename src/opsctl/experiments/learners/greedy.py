"""What if the network's best guess is shown always, or nearly always: no exploration, or some by the toss of a coin."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.choosing import best, check_contexts, check_feedback, rows_at_once
from opsctl.experiments.learners.model import Contexts, Feedback, Flags, Floats, Ids, Items, Slates
from opsctl.experiments.learners.network import NetworkSizes, prepare
from opsctl.experiments.learners.network_training import NetworkLearner, NetworkOptions

BASE_SIZES = NetworkSizes(index=0)
"""The epinet's base network alone."""


class EpsilonGreedyPolicy:
    """Shows what the base network likes best; each place by itself explores with probability epsilon.

    Places that explore take items drawn evenly from all candidates that the other places leave. With epsilon 0 it is the
    greedy policy. Propensities are exact.
    """

    def __init__(self, learner: NetworkLearner, *, epsilon: float) -> None:
        if not 0 <= epsilon <= 1:
            raise UsageError(
                f"epsilon is a share from 0 to 1, not {epsilon}", code="EXP101", fix="set such as 0.1"
            )
        self.learner = learner
        self.epsilon = epsilon

    @classmethod
    def new(
        cls,
        items: Items,
        *,
        epsilon: float,
        generator: np.random.Generator,
        options: NetworkOptions | None = None,
    ) -> Self:
        """Return the policy before it has learned anything."""
        learner = NetworkLearner.new(items, sizes=BASE_SIZES, options=options, generator=generator)
        return cls(learner, epsilon=epsilon)

    @property
    def name(self) -> str:
        """Return the name by which books know it."""
        return "epsilon_greedy" if self.epsilon else "greedy"

    @property
    def state_bytes(self) -> int:
        """Return the size of weights and of Adam's memory."""
        return self.learner.state_bytes

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Return a slate for each context."""
        check_contexts(contexts, size=size)
        order = self._order(contexts, size)
        explores = generator.random((len(order), size)) < self.epsilon
        places = _explored(
            order,
            explores,
            candidates=contexts.candidates.shape[1],
            epsilon=self.epsilon,
            generator=generator,
        )
        propensities = np.full(places.shape, np.nan)
        if with_propensities:
            propensities = slate_propensities(
                order, places, candidates=contexts.candidates.shape[1], epsilon=self.epsilon
            )
        return Slates(
            items=np.take_along_axis(contexts.candidates, places, axis=1), propensities=propensities
        )

    def chances(
        self,
        contexts: Contexts,
        *,
        size: int,
        places: Ids,
        generator: np.random.Generator,  # noqa: ARG002 - there is a closed form
    ) -> Floats:
        """Return the probability of each candidate at the given place of each row's slate, exactly."""
        check_contexts(contexts, size=size)
        order, candidates = self._order(contexts, size), contexts.candidates.shape[1]
        cases = _cases(size, candidates, self.epsilon)
        found = np.full((len(order), candidates), cases.any_other)
        np.put_along_axis(found, order, cases.best_elsewhere, axis=1)
        np.put_along_axis(found, np.take_along_axis(order, places[:, None], axis=1), cases.best_here, axis=1)
        return found

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Train the network."""
        check_feedback(feedback)
        self.learner.learn(feedback, generator=generator)

    def _order(self, contexts: Contexts, size: int) -> Ids:
        """Return the places of the best candidates, shape (b, m)."""
        users = self.learner.encoding.encode(contexts.user_vectors)
        items = self.learner.items.of(contexts.items)
        count, candidates = contexts.candidates.shape
        order = np.empty((count, size), np.int64)
        for rows in rows_at_once(count, floats_a_row=candidates * self.learner.network.sizes.hidden):
            prepared = prepare(
                self.learner.network, users=users[rows], items=items, candidates=contexts.candidates[rows]
            )
            order[rows] = best(prepared.base, size)
        return order


def slate_propensities(order: Ids, shown: Ids, *, candidates: int, epsilon: float) -> Floats:
    """Return the exact probability of each item at its place, shape (b, m).

    Args:
        order: shape (b, m), the best candidates.
        shown: shape (b, m), what is asked about.
        candidates: c.
        epsilon: probability to explore, of each place.
    """
    cases = _cases(order.shape[1], candidates, epsilon)
    is_here = order == shown
    is_elsewhere = (order[:, None, :] == shown[:, :, None]).any(axis=2)
    found: Floats = np.where(
        is_here, cases.best_here, np.where(is_elsewhere, cases.best_elsewhere, cases.any_other)
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cases:
    """The probability of an item at a place, by where it belongs.

    Args:
        best_here: the one that is best for the place: shown if the place does not explore, or by chance.
        best_elsewhere: one that is best for another place: free only if both explore.
        any_other: shown by chance alone.
    """

    best_here: float
    best_elsewhere: float
    any_other: float


def _cases(size: int, candidates: int, epsilon: float) -> _Cases:
    """Of the other m - 1 places, K explore; then c - (m - 1 - K) items are free for a place that explores, all alike."""
    by_chance = epsilon * _mean_inverse(size - 1, candidates - size + 1, epsilon)
    return _Cases(
        best_here=1.0 - epsilon + by_chance,
        best_elsewhere=epsilon**2 * _mean_inverse(size - 2, candidates - size + 2, epsilon),
        any_other=by_chance,
    )


def _mean_inverse(trials: int, least: int, epsilon: float) -> float:
    """Return the mean of 1 / (least + K), K ~ Binomial(trials, epsilon)."""
    if trials < 0:
        return 0.0
    shares = np.ones(1)
    for _ in range(trials):
        shares = np.convolve(shares, [1.0 - epsilon, epsilon])
    return float((shares / (least + np.arange(trials + 1))).sum())


def _explored(
    order: Ids, explores: Flags, *, candidates: int, epsilon: float, generator: np.random.Generator
) -> Ids:
    """Return what is shown: the best item where a place does not explore, else one that is free."""
    if not epsilon:
        return order
    keys = generator.random((len(order), candidates))
    rows = np.arange(len(order))[:, None]
    keys[rows, order] -= 2.0 * ~explores  # taken: comes last
    free = best(keys, order.shape[1])
    turns = np.maximum(explores.cumsum(axis=1) - 1, 0)
    return np.where(explores, np.take_along_axis(free, turns, axis=1), order)
