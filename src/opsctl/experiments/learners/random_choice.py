"""What if items are shown by chance alone: the policy that all others are compared with."""

import numpy as np

from opsctl.experiments.learners.choosing import best, check_contexts, check_feedback
from opsctl.experiments.learners.model import Contexts, Feedback, Floats, Ids, Slates

KIND = "random"


class RandomPolicy:
    """Shows candidates in an order drawn by chance, and learns nothing."""

    name = KIND
    state_bytes = 0

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Return a slate for each context; every item is at every place with probability 1 / c."""
        check_contexts(contexts, size=size)
        count, candidates = contexts.candidates.shape
        places = best(generator.random((count, candidates)), size)
        propensity = 1.0 / candidates if with_propensities else np.nan
        return Slates(
            items=np.take_along_axis(contexts.candidates, places, axis=1),
            propensities=np.full((count, size), propensity),
        )

    def chances(
        self,
        contexts: Contexts,
        *,
        size: int,
        places: Ids,  # noqa: ARG002 - all are alike
        generator: np.random.Generator,  # noqa: ARG002
    ) -> Floats:
        """Return the probability of each candidate at a place, exactly: 1 / c."""
        check_contexts(contexts, size=size)
        return np.full(contexts.candidates.shape, 1.0 / contexts.candidates.shape[1])

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:  # noqa: ARG002
        """Learn nothing from a batch that others could learn from."""
        check_feedback(feedback)
