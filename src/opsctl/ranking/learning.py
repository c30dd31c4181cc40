"""What do rewards teach the policy over the agents' weights: group-relative advantages and their gradient (MAGRPO).

All agents of a group share each reward, and each reward is judged against its own group: no value network is needed (Liu
et al., arXiv 2508.04652; CoMLRL's trainer, whose defaults are ours: baseline "mean", no division by the deviation).

Limits when learning from logs: the theory wants G joint draws for one and the same context, which exist only in a
simulation. Online a reader sees one slate, so a group is a bucket of similar contexts (`grouping.group_samples`). What
differs between the readers of a bucket then reaches the gradient as noise, and where it goes along with the context
within the bucket, as bias.

Samples drawn under an older policy are off-policy, all of them where rewards come in a day late: each carries `ratios`, how
likely the policy at hand would draw it now against then, truncated (truncated importance sampling: Ionides, J. Comput. Graph.
Stat. 17, 2008; a bound of 2 instead of his sqrt(n), because a step is small and variance hurts more than bias). They are not
scaled to a mean of 1, on purpose: where the policy has gone on from what was drawn they are small, and so is the step, until
rewards of where it stands come in. Without them it runs on for a day with what its first draws said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from opsctl.ranking.model import Floats, PolicyState
from opsctl.ranking.policy import SIGMA_GREATEST, SIGMA_LEAST, divergence

_NO_SIGNAL = 1e-8  # rewards whose deviation is below this are equal


class Advantage(StrEnum):
    """What a reward is compared with."""

    MEAN = "mean"
    """A = R - mean(R)."""
    LEAVE_ONE_OUT = "rloo"
    """A = R - mean of the others = G / (G - 1) (R - mean(R)); unbiased for small groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """G samples that are compared with each other.

    Args:
        contexts: shape (G, c), the context of each sample; in a simulation all rows are the same.
        logits: shape (G, k), what was sampled, in the order of the policy's agents.
        rewards: shape (G,), any finite unit, the greater the better.
        importance: shape (G,), not below 0, such as 1 / propensity of the arm that the slate explored with; it is
            scaled to a mean of 1 within the group. None weighs all alike.
        ratios: shape (G,), not below 0, density of each sample under the policy at hand by that under the one that drew
            it (`density_ratios`), as it is. None is 1: drawn under this policy.
    """

    contexts: Floats
    logits: Floats
    rewards: Floats
    importance: Floats | None = None
    ratios: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningOptions:
    """How the policy learns.

    Args:
        rate: length of a step along the (clipped) gradient.
        advantage: what a reward is compared with.
        divide_by_deviation: GRPO's A / std(R); off, because it makes much of groups that hardly differ.
        gradient_limit: greatest length of the gradient; at sigma 0.05 one sample alone could be worth hundreds.
        reference_pull: weight of the KL divergence to `reference`; 0 lets the policy go where it wants.
        reference: the policy to stay near to; None is the state at hand, on which nothing pulls.
    """

    rate: float = 0.05
    advantage: Advantage = Advantage.MEAN
    divide_by_deviation: bool = False
    gradient_limit: float = 1.0
    reference_pull: float = 0.0
    reference: PolicyState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyUpdate:
    """The new state and how it came about.

    Args:
        state: the version after; the same one when there was nothing to learn.
        groups: how many were given.
        share_without_signal: part of the groups whose rewards are all equal, or that hold fewer than two samples.
        gradient_norm: length of the gradient before it was clipped.
        divergence: KL(new || reference) in nats, mean over the contexts given; against the state before where there is
            no reference.
        effective_samples: (sum w)^2 / sum w^2 over the weights (importance and ratio) of the samples that taught
            something.
    """

    state: PolicyState
    groups: int
    share_without_signal: float
    gradient_norm: float
    divergence: float
    effective_samples: float


def update_policy(
    state: PolicyState, groups: Sequence[Group], options: LearningOptions | None = None
) -> PolicyUpdate:
    """Return the policy after one step up the gradient of the expected reward.

    `g_b = mean A (l - mu) / sigma^2 s` and `g_log_sigma = mean A ((l - mu)^2 / sigma^2 - 1)`, the mean over the
    samples of all groups that have a signal; minus `reference_pull` times the gradient of the KL divergence. Sigma stays
    within [0.05, 1]: the lower bound keeps exploring, the upper one keeps a weight from being pure chance.

    Raises:
        ValueError: shapes do not fit the policy, or a number is not finite.
    """
    options = options or LearningOptions()
    for group in groups:
        _check_group(group, state)
    taught = [group for group in groups if _has_signal(group)]
    reference = options.reference or state
    contexts = np.concatenate([group.contexts for group in groups]) if groups else np.ones((1, _width(state)))
    gradient = _gradient(state, taught, options)
    if options.reference_pull > 0:
        gradient -= options.reference_pull * _divergence_gradient(state, reference, contexts)
    norm = float(np.linalg.norm(gradient))
    new = (
        _step(state, gradient * min(1.0, options.gradient_limit / norm), options.rate) if norm > 0 else state
    )
    weights = np.concatenate([_weights(group) for group in taught]) if taught else np.zeros(1)
    return PolicyUpdate(
        state=new,
        groups=len(groups),
        share_without_signal=1.0 - len(taught) / len(groups) if groups else 0.0,
        gradient_norm=norm,
        divergence=divergence(new, reference, contexts=contexts),
        effective_samples=float(weights.sum() ** 2 / (weights**2).sum()) if taught else 0.0,
    )


def _width(state: PolicyState) -> int:
    return len(state.means[0])


def _check_group(group: Group, state: PolicyState) -> None:
    count = len(group.rewards)
    if group.logits.shape != (count, len(state.agents)) or group.contexts.shape != (count, _width(state)):
        raise ValueError(
            f"a group of {count} rewards has logits {group.logits.shape} and contexts {group.contexts.shape}"
            f" for {len(state.agents)} agents and {_width(state)} context numbers"
        )
    weights = group.importance
    if weights is not None and (weights.shape != (count,) or not (weights >= 0).all() or not weights.any()):
        raise ValueError("importance wants one number for each reward, none below 0 and not all 0")
    if group.ratios is not None and (group.ratios.shape != (count,) or not (group.ratios >= 0).all()):
        raise ValueError("ratios want one number for each reward, none below 0")
    parts = (group.rewards, group.logits, group.contexts, _weights(group))
    if not all(np.isfinite(part).all() for part in parts):
        raise ValueError("a group holds a number that is not finite")


def _has_signal(group: Group) -> bool:
    weighed = group.rewards[_weights(group) > _NO_SIGNAL]
    return len(weighed) > 1 and float(weighed.std()) >= _NO_SIGNAL


def _importance(group: Group) -> Floats:
    if group.importance is None:
        return np.ones(len(group.rewards))
    scaled: Floats = group.importance / group.importance.mean()
    return scaled


def _weights(group: Group) -> Floats:
    weights = _importance(group)
    return weights if group.ratios is None else weights * group.ratios


def _gradient(state: PolicyState, groups: Sequence[Group], options: LearningOptions) -> Floats:
    """Return the gradient, shape (k, c + 1): the columns of b, then log sigma."""
    means, sigma = np.array(state.means), np.exp(state.log_sigmas)
    total = np.zeros((len(state.agents), _width(state) + 1))
    for group in groups:
        advantage = (_advantages(group, options) * _weights(group))[:, None]
        scaled = (group.logits - group.contexts @ means.T) / sigma
        total[:, :-1] += (advantage * scaled / sigma).T @ group.contexts
        total[:, -1] += (advantage * (scaled**2 - 1.0)).sum(axis=0)
    return total / max(1, sum(len(group.rewards) for group in groups))


def _advantages(group: Group, options: LearningOptions) -> Floats:
    advantages: Floats = group.rewards - np.average(group.rewards, weights=_weights(group))
    if options.advantage is Advantage.LEAVE_ONE_OUT:
        advantages = advantages * (len(advantages) / (len(advantages) - 1))
    if options.divide_by_deviation:
        advantages = advantages / group.rewards.std()
    return advantages


def _divergence_gradient(state: PolicyState, reference: PolicyState, contexts: Floats) -> Floats:
    sigma, sigma_reference = np.exp(state.log_sigmas), np.exp(reference.log_sigmas)
    gap = contexts @ (np.array(state.means) - np.array(reference.means)).T
    by_means = (gap / sigma_reference**2).T @ contexts / len(contexts)
    return np.column_stack([by_means, sigma**2 / sigma_reference**2 - 1.0])


def _step(state: PolicyState, gradient: Floats, rate: float) -> PolicyState:
    means = np.array(state.means) + rate * gradient[:, :-1]
    log_sigmas = np.array(state.log_sigmas) + rate * gradient[:, -1]
    bounded = np.clip(log_sigmas, np.log(SIGMA_LEAST), np.log(SIGMA_GREATEST))
    return PolicyState(
        agents=state.agents,
        means=tuple(tuple(row) for row in means.tolist()),
        log_sigmas=tuple(bounded.tolist()),
        version=state.version + 1,
    )
