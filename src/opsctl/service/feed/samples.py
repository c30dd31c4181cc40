"""What does each closed decision teach the policy at hand, when most were made under an older one?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from opsctl.ranking.grouping import Sample, group_samples
from opsctl.ranking.learning import PolicyUpdate, update_policy
from opsctl.ranking.model import PolicyState
from opsctl.ranking.policy import density_ratios
from opsctl.service.feed.rewards import reward_of
from opsctl.store.decisions import DueDecision

# Truncated importance sampling, see `ranking.learning`.
GREATEST_RATIO = 2.0


def samples_of(
    due: Sequence[DueDecision], *, policy: PolicyState, acting: Mapping[int, PolicyState], arms: int
) -> list[Sample]:
    """Return what the policy can learn from.

    Left out are decisions of other agents or another kind of context, and those whose policy is not known any more:
    nothing can be said of how likely they are now.

    Args:
        due: decisions whose window is over.
        policy: the one at hand.
        acting: by version, the policies under which the decisions were made, fitted to the same agents.
        arms: how many arms there are.
    """
    by_version: defaultdict[int, list[DueDecision]] = defaultdict(list)
    for each in due:
        decision = each.decision
        fits = len(decision.context) == len(policy.means[0]) and set(decision.logits) == set(policy.agents)
        if fits and decision.policy_version in acting:
            by_version[decision.policy_version].append(each)
    return [
        Sample(
            context=each.decision.context,
            logits=each.decision.logits,
            reward=reward_of(each.reactions),
            importance=_importance(each.decision.propensity, arms=arms),
            ratio=ratio,
        )
        for version, made in by_version.items()
        for each, ratio in zip(made, _ratios(made, policy, acting[version]), strict=True)
    ]


def step_of(
    due: Sequence[DueDecision], *, policy: PolicyState, acting: Mapping[int, PolicyState], arms: int
) -> PolicyUpdate:
    """Return the step that the policy at hand takes for what it can learn from (`samples_of`)."""
    samples = samples_of(due, policy=policy, acting=acting, arms=arms)
    return update_policy(policy, group_samples(samples, agents=policy.agents))


def _ratios(made: Sequence[DueDecision], policy: PolicyState, drawn_by: PolicyState) -> list[float]:
    contexts = np.array([each.decision.context for each in made], np.float64)
    logits = np.array([[each.decision.logits[name] for name in policy.agents] for each in made], np.float64)
    ratios = density_ratios(policy, drawn_by, contexts=contexts, logits=logits, greatest=GREATEST_RATIO)
    return [float(ratio) for ratio in ratios]


def _importance(propensity: float | None, *, arms: int) -> float:
    """Return how much a decision weighs: as if all arms were played alike, so 1 on average; 1 where none explored."""
    return 1.0 if propensity is None else 1.0 / (propensity * arms)
