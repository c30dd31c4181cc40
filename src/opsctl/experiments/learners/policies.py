"""Which policies are there, by the names that books know, and how is one made."""

from typing import Protocol

import numpy as np

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.beta_thompson import BetaThompsonPolicy
from opsctl.experiments.learners.choosing import PROPENSITY_DRAWS
from opsctl.experiments.learners.epinet import EpinetPolicy
from opsctl.experiments.learners.greedy import EpsilonGreedyPolicy
from opsctl.experiments.learners.linear_thompson import LinearThompsonPolicy
from opsctl.experiments.learners.model import Contexts, Floats, Ids, Items, Policy
from opsctl.experiments.learners.network_training import NetworkOptions
from opsctl.experiments.learners.random_choice import RandomPolicy

POLICIES = ("random", "greedy", "epsilon_greedy", "beta_ts", "linear_ts", "epinet_ts")
EPSILON = 0.1


class PolicyWithChances(Policy, Protocol):
    """A policy of which it can be asked how likely it would have chosen something else."""

    def chances(
        self, contexts: Contexts, *, size: int, places: Ids, generator: np.random.Generator
    ) -> Floats:
        """Return the probability of each candidate to stand at the given place of each row's slate, shape (b, c).

        Exact where there is a closed form, else the frequency among `propensity_draws` slates.
        """
        ...


def make_policy(
    name: str,
    *,
    items: Items,
    generator: np.random.Generator,
    options: NetworkOptions | None = None,
    forgetting: float = 1.0,
    propensity_draws: int = PROPENSITY_DRAWS,
) -> PolicyWithChances:
    """Return a policy that has learned nothing.

    Args:
        name: one of `POLICIES`.
        items: all of them; learners take from them in which directions items differ.
        generator: of the first weights; the same one gives `greedy`, `epsilon_greedy` and `epinet_ts` the same base network.
        options: how networks learn.
        forgetting: of `beta_ts` and `linear_ts`; 1 forgets nothing.
        propensity_draws: slates that Thompson sampling draws a feed where probabilities are asked for.

    Raises:
        UsageError: EXP111 there is no such policy.
    """
    match name:
        case "random":
            return RandomPolicy()
        case "greedy":
            return EpsilonGreedyPolicy.new(items, epsilon=0.0, generator=generator, options=options)
        case "epsilon_greedy":
            return EpsilonGreedyPolicy.new(items, epsilon=EPSILON, generator=generator, options=options)
        case "beta_ts":
            return BetaThompsonPolicy(forgetting=forgetting, propensity_draws=propensity_draws)
        case "linear_ts":
            return LinearThompsonPolicy.new(items, forgetting=forgetting, propensity_draws=propensity_draws)
        case "epinet_ts":
            return EpinetPolicy.new(
                items, generator=generator, options=options, propensity_draws=propensity_draws
            )
        case _:
            raise unknown_policy(name)


def unknown_policy(name: str) -> UsageError:
    """Return the error that there is no such policy."""
    return UsageError(
        f"no policy is called `{name[:40]}`", code="EXP111", fix=f"one of: {', '.join(POLICIES)}"
    )
