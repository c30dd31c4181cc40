"""Which exploration arm is played, and what do its rewards teach: Beta-Bernoulli Thompson sampling.

The state of arm k is Beta(a_k, b_k). Source: Chapelle and Li (2011); batched updates with delayed rewards after
Joulani et al. (2013): what is pending counts neither way (`store.decisions` tells apart what is pending, due and late).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.ranking.model import ArmsState, Floats

DRAWS = 1000
"""Draws behind a propensity: its standard error is at most 0.016."""
PRIOR = 1.0
"""Beta(1, 1): before the first reward every rate is as likely as any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The arm that is played; `propensities` holds for every arm the probability of being played, their sum is 1."""

    arm: str
    propensity: float
    propensities: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmsFigures:
    """What is known of the arms.

    Args:
        names: the arms.
        means: posterior mean of each arm's rate of success.
        deviations: posterior standard deviation of each.
        best: probability that the arm is the best one; they sum to 1.
        entropy: of `best`, in nats; 0 when all is known, log(number of arms) when nothing is.
        value_remaining: 95 % quantile of what the true best arm may gain over the one that looks best, as a share.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    best: tuple[float, ...]
    entropy: float
    value_remaining: float


def initial_arms(names: Sequence[str]) -> ArmsState:
    """Return the state in which nothing is known of the arms."""
    return ArmsState(names=tuple(names), alpha=(PRIOR,) * len(names), beta=(PRIOR,) * len(names))


def with_arms(state: ArmsState, names: Sequence[str]) -> ArmsState:
    """Return the state for these arms, in this order: what is known stays, a new arm knows nothing, others go."""
    if state.names == tuple(names):
        return state
    alpha = dict(zip(state.names, state.alpha, strict=True))
    beta = dict(zip(state.names, state.beta, strict=True))
    return ArmsState(
        names=tuple(names),
        alpha=tuple(alpha.get(name, PRIOR) for name in names),
        beta=tuple(beta.get(name, PRIOR) for name in names),
        version=state.version,
    )


def choose_arm(
    state: ArmsState, *, floor: float, generator: np.random.Generator, draws: int = DRAWS
) -> Choice:
    """Play an arm.

    The frequency w with which each arm is the best of a joint draw from the posteriors is mixed with a floor f:
    `p = f + (1 - K f) w`. The arm is then drawn from exactly these p, so what is logged as propensity is the truth and
    not an estimate beside it, and every arm keeps a positive probability (inverse propensity weighting needs one).

    Args:
        state: the posteriors of K arms.
        floor: f, from 0 to 1 / K.
        generator: source of all draws.
        draws: joint draws behind w.

    Raises:
        ValueError: there are no arms, or the floor leaves nothing to learn with.
    """
    count = len(state.names)
    if count == 0:
        raise ValueError("there is no arm to play")
    if not 0 <= floor * count <= 1:
        raise ValueError(f"a floor of {floor} for each of {count} arms exceeds a probability of 1")
    wins = np.bincount(_draw(state, generator, draws).argmax(axis=1), minlength=count)
    propensities = floor + (1.0 - count * floor) * (wins / draws)
    cumulated = np.cumsum(propensities)
    played = min(int(np.searchsorted(cumulated, generator.random() * cumulated[-1], "right")), count - 1)
    return Choice(
        arm=state.names[played],
        propensity=float(propensities[played]),
        propensities=dict(zip(state.names, propensities.tolist(), strict=True)),
    )


def update_arms(
    state: ArmsState,
    *,
    successes: Mapping[str, int],
    failures: Mapping[str, int],
    late: Mapping[str, int] | None = None,
) -> ArmsState:
    """Return the state after a batch: `a <- a + successes + late`, `b` alike.

    Args:
        state: what was known.
        successes: rewarded plays by arm.
        failures: plays by arm whose window closed without a reward; never pending ones.
        late: plays by arm that counted as failures before and turned out rewarded: they add 1 to a and take 1 from b,
            but b never falls below the prior, whatever is taken back twice.

    Raises:
        ValueError: an arm is unknown, or a count is negative.
    """
    late = late or {}
    _check_batch(state, (successes, failures, late))
    alpha, beta = [], []
    for name, known_alpha, known_beta in zip(state.names, state.alpha, state.beta, strict=True):
        alpha.append(known_alpha + successes.get(name, 0) + late.get(name, 0))
        beta.append(max(known_beta + failures.get(name, 0) - late.get(name, 0), PRIOR))
    return ArmsState(names=state.names, alpha=tuple(alpha), beta=tuple(beta), version=state.version + 1)


def arms_figures(state: ArmsState, *, seed: int, draws: int = 10_000) -> ArmsFigures:
    """Return what is known of the arms; probabilities by Monte Carlo, their standard error is at most 0.005."""
    alpha, beta = np.array(state.alpha), np.array(state.beta)
    drawn = _draw(state, np.random.Generator(np.random.PCG64(seed)), draws)
    best = np.bincount(drawn.argmax(axis=1), minlength=len(state.names)) / draws
    positive = best[best > 0]
    leader = drawn[:, int(best.argmax())]
    # a rate of exactly 0 can be drawn from a posterior near 0; its gain is then bounded, not infinite
    gains = (drawn.max(axis=1) - leader) / np.maximum(leader, np.finfo(np.float64).tiny)
    total = alpha + beta
    return ArmsFigures(
        names=state.names,
        means=tuple((alpha / total).tolist()),
        deviations=tuple(np.sqrt(alpha * beta / (total**2 * (total + 1.0))).tolist()),
        best=tuple(best.tolist()),
        entropy=max(0.0, -float((positive * np.log(positive)).sum())),
        value_remaining=min(float(np.quantile(gains, 0.95)), np.finfo(np.float64).max),
    )


def _draw(state: ArmsState, generator: np.random.Generator, draws: int) -> Floats:
    """Return joint draws, shape (draws, K): Beta(a, b) = x / (x + y) of two gammas, faster than NumPy's own near 1."""
    shape = (draws, len(state.names))
    successes = generator.standard_gamma(state.alpha, shape)
    failures = generator.standard_gamma(state.beta, shape)
    # both gammas can underflow to 0 when a and b are far below 1
    drawn: Floats = successes / (successes + failures + np.finfo(np.float64).tiny)
    return drawn


def _check_batch(state: ArmsState, batch: Sequence[Mapping[str, int]]) -> None:
    for counts in batch:
        for name, count in counts.items():
            if name not in state.names:
                raise ValueError(f"no arm is called `{name}`")
            if count < 0:
                raise ValueError(f"arm `{name}` has {count} plays")
