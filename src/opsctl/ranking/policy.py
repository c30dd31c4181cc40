"""How much does each agent count: a Gaussian policy over logits, learned from groups of rewards (MAGRPO).

Agent i draws its logit from N(b_i . s, sigma_i^2) in context s; the weights are the softmax of the logits. All agents of
a group share each reward, and each reward is judged against its own group: no value network is needed (Liu et al.,
MAGRPO, arXiv 2508.04652; CoMLRL's trainer, whose defaults are ours: baseline "mean", no division by the deviation).

Limits when learning from logs: the theory wants G joint draws for one and the same context, which exist only in a
simulation. Online a reader sees one slate, so a group is a bucket of similar contexts (`grouping.group_samples`). What
differs between the readers of a bucket then reaches the gradient as noise, and where it goes along with the context
within the bucket, as bias. Samples drawn under an older policy are off-policy: leave out those more than a few versions
old, or give `importance`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from opsctl.ranking.model import Floats, PolicyState

SIGMA_LEAST = 0.05
SIGMA_GREATEST = 1.0
SIGMA_INITIAL = 0.5
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
    """

    contexts: Floats
    logits: Floats
    rewards: Floats
    importance: Floats | None = None


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
        effective_samples: (sum w)^2 / sum w^2 over the importance of the samples that taught something.
    """

    state: PolicyState
    groups: int
    share_without_signal: float
    gradient_norm: float
    divergence: float
    effective_samples: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFigures:
    """What the policy does.

    Args:
        agents: their names.
        mean_weights: mean weight of each, over samples and contexts; they sum to 1.
        variance: trace of Cov(weights) over samples, averaged over contexts; 0 is a policy that no longer explores.
        mean_sigma: mean standard deviation of the logits.
        entropy: of the Gaussian policy, in nats, summed over the agents.
    """

    agents: tuple[str, ...]
    mean_weights: tuple[float, ...]
    variance: float
    mean_sigma: float
    entropy: float


def initial_policy(agents: Sequence[str], *, context_size: int) -> PolicyState:
    """Return a policy under which all agents count the same on average."""
    return PolicyState(
        agents=tuple(agents),
        means=((0.0,) * context_size,) * len(agents),
        log_sigmas=(float(np.log(SIGMA_INITIAL)),) * len(agents),
    )


def with_agents(state: PolicyState, agents: Sequence[str], *, context_size: int) -> PolicyState:
    """Return the policy of these agents, in this order: what is learned stays, a new agent starts anew, others go."""
    if state.agents == tuple(agents) and all(len(mean) == context_size for mean in state.means):
        return state
    fresh = initial_policy(agents, context_size=context_size)
    means, sigmas = (
        dict(zip(state.agents, state.means, strict=True)),
        dict(zip(state.agents, state.log_sigmas, strict=True)),
    )
    kept = [name for name in agents if len(means.get(name, ())) == context_size]
    return PolicyState(
        agents=fresh.agents,
        means=tuple(means[name] if name in kept else fresh.means[0] for name in agents),
        log_sigmas=tuple(sigmas[name] if name in kept else fresh.log_sigmas[0] for name in agents),
        version=state.version,
    )


def sample_logits(
    state: PolicyState, *, context: Floats, generator: np.random.Generator, samples: int = 1
) -> Floats:
    """Return draws from the policy in one context, shape (samples, k)."""
    centre = np.array(state.means) @ context
    noise = generator.standard_normal((samples, len(state.agents)))
    drawn: Floats = centre + np.exp(state.log_sigmas) * noise
    return drawn


def softmax(logits: Floats) -> Floats:
    """Return weights along the last axis; each above or at 0, they sum to 1."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return weights


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
    importance = np.concatenate([_importance(group) for group in taught]) if taught else np.zeros(1)
    return PolicyUpdate(
        state=new,
        groups=len(groups),
        share_without_signal=1.0 - len(taught) / len(groups) if groups else 0.0,
        gradient_norm=norm,
        divergence=divergence(new, reference, contexts=contexts),
        effective_samples=float(importance.sum() ** 2 / (importance**2).sum()) if taught else 0.0,
    )


def divergence(state: PolicyState, reference: PolicyState, *, contexts: Floats) -> float:
    """Return KL(state || reference) of the logits in nats, summed over agents, averaged over contexts (m, c)."""
    sigma, sigma_reference = np.exp(state.log_sigmas), np.exp(reference.log_sigmas)
    gap = contexts @ (np.array(state.means) - np.array(reference.means)).T
    terms = np.log(sigma_reference / sigma) + (sigma**2 + gap**2) / (2.0 * sigma_reference**2) - 0.5
    return max(0.0, float(terms.sum(axis=1).mean()))


def policy_figures(state: PolicyState, *, contexts: Floats, seed: int, samples: int = 1000) -> PolicyFigures:
    """Return what the policy does in these contexts, shape (m, c), by Monte Carlo."""
    generator = np.random.Generator(np.random.PCG64(seed))
    drawn = np.stack(
        [
            softmax(sample_logits(state, context=context, generator=generator, samples=samples))
            for context in contexts
        ]
    )
    log_sigmas = np.array(state.log_sigmas)
    return PolicyFigures(
        agents=state.agents,
        mean_weights=tuple(drawn.mean(axis=(0, 1)).tolist()),
        variance=float(drawn.var(axis=1).sum(axis=1).mean()),
        mean_sigma=float(np.exp(log_sigmas).mean()),
        entropy=float((log_sigmas + 0.5 * np.log(2.0 * np.pi * np.e)).sum()),
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
    if group.importance is not None and (
        group.importance.shape != (count,) or bool((group.importance < 0).any())
    ):
        raise ValueError("importance wants one number, not below 0, for each reward")
    parts = (group.rewards, group.logits, group.contexts, _importance(group))
    if not all(np.isfinite(part).all() for part in parts):
        raise ValueError("a group holds a number that is not finite")


def _has_signal(group: Group) -> bool:
    return len(group.rewards) > 1 and float(group.rewards.std()) >= _NO_SIGNAL


def _importance(group: Group) -> Floats:
    if group.importance is None:
        return np.ones(len(group.rewards))
    return group.importance / group.importance.mean()


def _gradient(state: PolicyState, groups: Sequence[Group], options: LearningOptions) -> Floats:
    """Return the gradient, shape (k, c + 1): the columns of b, then log sigma."""
    means, sigma = np.array(state.means), np.exp(state.log_sigmas)
    total = np.zeros((len(state.agents), _width(state) + 1))
    for group in groups:
        advantage = (_advantages(group, options) * _importance(group))[:, None]
        scaled = (group.logits - group.contexts @ means.T) / sigma
        total[:, :-1] += (advantage * scaled / sigma).T @ group.contexts
        total[:, -1] += (advantage * (scaled**2 - 1.0)).sum(axis=0)
    return total / max(1, sum(len(group.rewards) for group in groups))


def _advantages(group: Group, options: LearningOptions) -> Floats:
    advantages: Floats = group.rewards - np.average(group.rewards, weights=_importance(group))
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
