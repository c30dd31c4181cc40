"""What do arms and policy look like now: the figures that dashboards and alerts read."""

import numpy as np

from opsctl.metrics import service as metrics
from opsctl.ranking.model import ArmsState, PolicyState
from opsctl.ranking.policy import PolicyFigures, policy_figures, with_agents
from opsctl.ranking.thompson import arms_figures
from opsctl.service.telemetry.meters import Meters

# A newcomer, a regular reader of several tastes, and one of a single taste: (constant, experience, focus).
_CONTEXTS = np.array([[1.0, 0.0, 0.0], [1.0, 0.7, 0.5], [1.0, 1.0, 1.0]])


def tell_learned(arms: ArmsState, policy: PolicyState, meters: Meters) -> None:
    """Set the gauges; the same state gives the same figures. Takes some milliseconds."""
    known = arms_figures(arms, seed=arms.version)
    for name, mean, best in zip(known.names, known.means, known.best, strict=True):
        meters.set(metrics.THOMPSON_MEAN, name, to=mean)
        meters.set(metrics.THOMPSON_P_BEST, name, to=best)
    meters.set(metrics.THOMPSON_ENTROPY, to=known.entropy)
    meters.set(metrics.THOMPSON_VALUE_REMAINING, to=known.value_remaining)
    figures = figures_of_policy(policy)
    meters.set(metrics.POLICY_VARIANCE, to=figures.variance)
    for agent, weight in zip(figures.agents, figures.mean_weights, strict=True):
        meters.set(metrics.POLICY_WEIGHT, agent, to=weight)


def figures_of_policy(policy: PolicyState) -> PolicyFigures:
    """Return what the policy does with readers of three kinds; the same state gives the same figures."""
    fitted = with_agents(policy, policy.agents, context_size=_CONTEXTS.shape[1])
    return policy_figures(fitted, contexts=_CONTEXTS, seed=policy.version)
