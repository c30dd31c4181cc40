"""What if each session believes one of the functions that are still possible: Thompson sampling by the epinet (ENR)."""

from typing import Self

import numpy as np

from opsctl.experiments.learners.choosing import (
    PROPENSITY_DRAWS,
    Drawing,
    DrawsSlates,
    best,
    check_feedback,
)
from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids, Items
from opsctl.experiments.learners.network import NetworkSizes, prepare, score
from opsctl.experiments.learners.network_training import NetworkLearner, NetworkOptions

KIND = "epinet_ts"


class EpinetPolicy(DrawsSlates):
    """Draws one index z for each feed, and shows what f(., z) likes best.

    All places of a slate believe the same z: a session that explores does so to its end (Zhu and Van Roy, arXiv 2109.12509).
    """

    name = KIND

    def __init__(self, learner: NetworkLearner, *, propensity_draws: int = PROPENSITY_DRAWS) -> None:
        self.learner = learner
        self.propensity_draws = propensity_draws
        self.fallbacks = 0
        """Feeds whose scores were not finite, and that were ranked by the base network alone."""

    @classmethod
    def new(
        cls,
        items: Items,
        *,
        generator: np.random.Generator,
        sizes: NetworkSizes | None = None,
        options: NetworkOptions | None = None,
        propensity_draws: int = PROPENSITY_DRAWS,
    ) -> Self:
        """Return the policy before it has learned anything."""
        sizes = sizes or NetworkSizes()
        learner = NetworkLearner.new(items, sizes=sizes, options=options, generator=generator)
        return cls(learner, propensity_draws=propensity_draws)

    @property
    def state_bytes(self) -> int:
        """Return the size of weights, random ones too, and of Adam's memory."""
        return self.learner.state_bytes

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Train base and epinet."""
        check_feedback(feedback)
        self.learner.learn(feedback, generator=generator)

    def _drawing(self, contexts: Contexts, size: int) -> Drawing:
        users = self.learner.encoding.encode(contexts.user_vectors)
        items = self.learner.items.of(contexts.items)
        network, sizes = self.learner.network, self.learner.network.sizes

        def draw(rows: slice, *, draws: int, generator: np.random.Generator) -> Ids:
            indices = generator.standard_normal((rows.stop - rows.start, draws, sizes.index))
            candidates = contexts.candidates[rows]
            prepared = prepare(network, users=users[rows], items=items, candidates=candidates)
            with np.errstate(all="ignore"):
                found = score(network, prepared, indices)
            return best(self._trusted(found, prepared.base), size)

        return Drawing(
            contexts=contexts,
            size=size,
            draw=draw,
            floats=sizes.hidden + sizes.index * sizes.prior_hidden,
            floats_a_draw=sizes.epinet_hidden,
        )

    def _trusted(self, scores: Floats, base: Floats) -> Floats:
        """Return the scores; those of the base network for feeds in which one is not finite."""
        is_lost = ~np.isfinite(scores).all(axis=(1, 2))
        if is_lost.any():
            self.fallbacks += int(is_lost.sum())
            scores[is_lost] = base[is_lost][:, None]
        return scores
