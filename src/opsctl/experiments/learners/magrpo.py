"""Where do the weights of the agents go when many slates of the same context can be tried: MAGRPO where that is possible.

For each context G joint samples of all agents' logits are drawn, the reward of each is asked for, and `ranking.learning` makes
one step (Liu et al., arXiv 2508.04652). G draws for one and the same context exist in a simulation alone; online a reader
sees one slate, and `ranking.grouping` groups like readers instead. What is trained here is therefore simulated.

Baselines and steps are those of `update_policy`: mean as baseline, no division by the deviation, no clipping of ratios; the pull
towards a reference is ours and off unless it is asked for.
"""

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

from opsctl.experiments.learners.model import Floats
from opsctl.ranking.learning import Group, LearningOptions, PolicyUpdate, update_policy
from opsctl.ranking.model import PolicyState
from opsctl.ranking.policy import softmax

_RISES = 5
"""So many rises of the variance in a row are a divergence."""
_WINDOW = 20
"""Updates whose rewards are averaged to tell whether it earned more before."""
_CLEARLY = 5.0
"""Standard errors of the difference: the best of some hundred means lies three of its own above the truth by luck alone."""
_COLLAPSED = 0.05
"""Share of the first variance below which a policy hardly explores any more."""


class Rewards(Protocol):
    """What a slate is worth."""

    def __call__(self, contexts: Floats, weights: Floats) -> Floats:
        """Return rewards, shape (n, g), of agents' weights, shape (n, g, k), in contexts, shape (n, c)."""
        ...


class DrawsContexts(Protocol):
    """Where contexts come from."""

    def __call__(self, count: int, *, generator: np.random.Generator) -> Floats:
        """Return contexts, shape (count, c); their first number is 1."""
        ...


class Alarm(StrEnum):
    """What may go wrong with a policy that learns."""

    COLLAPSE = "collapse"
    """It hardly explores any more, and earned more before."""
    DIVERGENCE = "divergence"
    """It explores more with each of five updates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MagrpoOptions:
    """How it is trained.

    Args:
        contexts: groups in an update.
        samples: G, joint draws for each.
        measure_every: after so many updates agents are left out in turn, which costs `contexts` x (k + 1) more rewards.
        learning: see `ranking.learning`.
    """

    contexts: int = 16
    samples: int = 8
    measure_every: int = 25
    learning: LearningOptions = field(default_factory=LearningOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class MagrpoStep:
    """One update.

    Args:
        state: the policy after it.
        reward: mean of this update's draws, under the policy before.
        variance: trace of Cov(weights) over the draws of a context, averaged over contexts.
        sigma: mean standard deviation of the logits, after.
        entropy: of the Gaussian policy, in nats, after.
        update: groups without a signal, gradient, effective samples, KL to the reference (`PolicyUpdate`).
        left_out: by how much the reward falls without each agent, the others' weights scaled up; None where it was not
            measured. Below 0 the agent does harm.
        environment_steps: rewards asked for so far, measuring included: the budget by which arms are compared.
        agent_calls: the same times the number of agents, which is what dollars go by.
        alarms: what seems to go wrong.
    """

    state: PolicyState
    reward: float
    variance: float
    sigma: float
    entropy: float
    update: PolicyUpdate
    left_out: Mapping[str, float] | None
    environment_steps: int
    agent_calls: int
    alarms: tuple[Alarm, ...]


def train_magrpo(
    state: PolicyState,
    *,
    contexts: DrawsContexts,
    rewards: Rewards,
    generator: np.random.Generator,
    options: MagrpoOptions | None = None,
) -> Iterator[MagrpoStep]:
    """Yield updates without end; take as many as the budget allows.

    Raises:
        ValueError: fewer than two samples, or a reward that is not finite.
    """
    options = options or MagrpoOptions()
    if options.samples < 2 or options.contexts < 1:
        raise ValueError("a group needs two samples, and an update one group")
    watch, spent, agents = _Watch(), 0, len(state.agents)
    for number in itertools.count(1):
        drawn_contexts = contexts(options.contexts, generator=generator)
        logits = draw_logits(state, drawn_contexts, samples=options.samples, generator=generator)
        weights = softmax(logits)
        earned = rewards(drawn_contexts, weights)
        update = update_policy(state, _groups(drawn_contexts, logits, earned), options.learning)
        state, spent = update.state, spent + earned.size
        left_out = None
        if number % options.measure_every == 0:
            left_out = leave_one_out(state, contexts=drawn_contexts, rewards=rewards)
            spent += len(drawn_contexts) * (agents + 1)
        log_sigmas = np.array(state.log_sigmas)
        variance = float(weights.var(axis=1, ddof=1).sum(axis=1).mean())
        yield MagrpoStep(
            state=state,
            reward=float(earned.mean()),
            variance=variance,
            sigma=float(np.exp(log_sigmas).mean()),
            entropy=float((log_sigmas + 0.5 * np.log(2 * np.pi * np.e)).sum()),
            update=update,
            left_out=left_out,
            environment_steps=spent,
            agent_calls=spent * agents,
            alarms=watch.alarms(reward=float(earned.mean()), variance=linear_variance(state, drawn_contexts)),
        )


def draw_logits(
    state: PolicyState, contexts: Floats, *, samples: int, generator: np.random.Generator
) -> Floats:
    """Return joint draws of all agents' logits, shape (n, samples, k)."""
    centres = contexts @ np.array(state.means).T
    noise = generator.standard_normal((len(contexts), samples, len(state.agents)))
    drawn: Floats = centres[:, None] + np.exp(state.log_sigmas) * noise
    return drawn


def linear_variance(state: PolicyState, contexts: Floats) -> float:
    """Return trace Cov(weights), averaged over contexts, as it were if the softmax was linear around the mean logits.

    It is a function of the policy alone: what 128 draws say of the variance changes by a tenth from one update to the next, and
    would hide five small rises in a row.
    """
    weights = softmax(contexts @ np.array(state.means).T)
    slopes = weights[:, :, None] * (np.eye(weights.shape[1]) - weights[:, None, :])
    return float((np.square(slopes) @ np.exp(2.0 * np.array(state.log_sigmas))).sum(axis=1).mean())


def leave_one_out(state: PolicyState, *, contexts: Floats, rewards: Rewards) -> dict[str, float]:
    """Return by how much the mean reward falls without each agent, at the policy's mean weights."""
    weights = softmax(contexts @ np.array(state.means).T)
    agents = len(state.agents)
    without = weights[:, None] * (1.0 - np.eye(agents))
    without /= np.maximum(without.sum(axis=2, keepdims=True), np.finfo(np.float64).tiny)
    earned = rewards(contexts, np.concatenate([weights[:, None], without], axis=1)).mean(axis=0)
    return dict(zip(state.agents, (earned[0] - earned[1:]).tolist(), strict=True))


class _Watch:
    """Rewards and variances of the last updates, and the best that was ever earned."""

    def __init__(self) -> None:
        self._rewards: deque[float] = deque(maxlen=_WINDOW)
        self._variances: deque[float] = deque(maxlen=_RISES + 1)
        self._first: float | None = None
        self._best, self._best_error = -np.inf, 0.0

    def alarms(self, *, reward: float, variance: float) -> tuple[Alarm, ...]:
        self._first = variance if self._first is None else self._first
        self._rewards.append(reward)
        self._variances.append(variance)
        found = []
        if self._has_collapsed(variance):
            found.append(Alarm.COLLAPSE)
        if len(self._variances) > _RISES and (np.diff(self._variances) > 0).all():
            found.append(Alarm.DIVERGENCE)
        return tuple(found)

    def _has_collapsed(self, variance: float) -> bool:
        """Tell whether it hardly explores, and the mean of the last updates lies clearly below the best one so far."""
        if len(self._rewards) < _WINDOW:
            return False
        mean, error = float(np.mean(self._rewards)), float(np.std(self._rewards, ddof=1)) / np.sqrt(_WINDOW)
        is_worse = mean + _CLEARLY * float(np.hypot(error, self._best_error)) < self._best
        if mean > self._best:
            self._best, self._best_error = mean, error
        return is_worse and variance < _COLLAPSED * (self._first or 0.0)


def _groups(contexts: Floats, logits: Floats, rewards: Floats) -> list[Group]:
    samples = logits.shape[1]
    return [
        Group(contexts=np.tile(context, (samples, 1)), logits=drawn, rewards=earned)
        for context, drawn, earned in zip(contexts, logits, rewards, strict=True)
    ]
