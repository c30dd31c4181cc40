"""How much does each agent count: a Gaussian policy over logits, what it draws and what is said of it.

Agent i draws its logit from N(b_i . s, sigma_i^2) in context s; the weights are the softmax of the logits. `learning`
tells how rewards move it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.ranking.model import Floats, PolicyState

SIGMA_LEAST = 0.05
SIGMA_GREATEST = 1.0
SIGMA_INITIAL = 0.5


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


def divergence(state: PolicyState, reference: PolicyState, *, contexts: Floats) -> float:
    """Return KL(state || reference) of the logits in nats, summed over agents, averaged over contexts (m, c)."""
    sigma, sigma_reference = np.exp(state.log_sigmas), np.exp(reference.log_sigmas)
    gap = contexts @ (np.array(state.means) - np.array(reference.means)).T
    terms = np.log(sigma_reference / sigma) + (sigma**2 + gap**2) / (2.0 * sigma_reference**2) - 0.5
    return max(0.0, float(terms.sum(axis=1).mean()))


def density_ratios(
    state: PolicyState, drawn_by: PolicyState, *, contexts: Floats, logits: Floats, greatest: float
) -> Floats:
    """Return how much more likely `state` draws these logits than `drawn_by`, at most `greatest`, shape (m,).

    Args:
        state: the policy at hand.
        drawn_by: the policy under which they were drawn; of the same agents.
        contexts: shape (m, c), the context of each draw.
        logits: shape (m, k), in the order of the policies' agents.
        greatest: where the ratio is cut off, above 0.
    """
    powers = _log_densities(state, contexts, logits) - _log_densities(drawn_by, contexts, logits)
    ratios: Floats = np.exp(np.minimum(powers, np.log(greatest)))
    return ratios


def _log_densities(state: PolicyState, contexts: Floats, logits: Floats) -> Floats:
    """Return log densities of the logits but for a constant, shape (m,)."""
    log_sigmas = np.array(state.log_sigmas)
    scaled = (logits - contexts @ np.array(state.means).T) / np.exp(log_sigmas)
    densities: Floats = (-0.5 * scaled**2 - log_sigmas).sum(axis=1)
    return densities


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
