"""Training of the agents' weights: planted weights are found, what is reported is what happened, trouble raises an alarm."""

from itertools import islice

import numpy as np
import pytest

from opsctl.experiments.learners.magrpo import (
    Alarm,
    MagrpoOptions,
    draw_logits,
    leave_one_out,
    train_magrpo,
)
from opsctl.experiments.learners.model import Floats
from opsctl.ranking.learning import LearningOptions
from opsctl.ranking.policy import initial_policy, policy_figures, softmax

AGENTS = ("discovery", "quality", "archivist", "serendipity")
PLANTED = np.array([0.1, 0.2, 0.6, 0.1])


def _ones(count: int, *, generator: np.random.Generator) -> Floats:
    return np.ones((count, 1))


def _sides(count: int, *, generator: np.random.Generator) -> Floats:
    """Return contexts of two kinds."""
    return np.column_stack([np.ones(count), generator.integers(0, 2, count) * 2.0 - 1.0])


def _near_planted(contexts: Floats, weights: Floats) -> Floats:
    gaps: Floats = np.square(weights - PLANTED).sum(axis=2)
    return -gaps


def _train(updates: int, *, drawn=_ones, rewards=_near_planted, seed: int = 1, **options):
    state = initial_policy(AGENTS, context_size=drawn(1, generator=np.random.default_rng(1)).shape[1])
    steps = train_magrpo(
        state,
        contexts=drawn,
        rewards=rewards,
        generator=np.random.default_rng(seed),
        options=MagrpoOptions(**options),
    )
    return list(islice(steps, updates))


def test_planted_weights_are_found_and_exploring_ends() -> None:
    """300 updates of 16 groups of 8."""
    steps = _train(300)

    weights = softmax(np.array(steps[-1].state.means)[:, 0])
    np.testing.assert_allclose(weights, PLANTED, atol=0.05)
    assert np.mean([step.reward for step in steps[-20:]]) > np.mean([step.reward for step in steps[:20]])
    assert steps[-1].sigma < steps[0].sigma
    assert steps[-1].entropy < steps[0].entropy
    assert steps[-1].state.version == 300


def test_weights_depend_on_the_context_where_the_reward_does() -> None:
    """One agent for one kind of readers, another for the other kind."""

    def rewards(contexts: Floats, weights: Floats) -> Floats:
        return np.where(contexts[:, 1:] > 0, weights[..., 0], weights[..., 3])

    state = _train(300, drawn=_sides, rewards=rewards)[-1].state

    means = np.array(state.means)
    assert softmax(means @ np.array([1.0, 1.0]))[0] > 0.6
    assert softmax(means @ np.array([1.0, -1.0]))[3] > 0.6


def test_the_budget_counts_every_reward_that_was_asked_for() -> None:
    """16 x 8 an update, and 16 x 5 more where agents are left out; calls are four times that."""
    asked = 0

    def rewards(contexts: Floats, weights: Floats) -> Floats:
        nonlocal asked
        asked += weights.shape[0] * weights.shape[1]
        return _near_planted(contexts, weights)

    steps = _train(4, rewards=rewards, measure_every=2)

    assert [step.environment_steps for step in steps] == [128, 336, 464, 672]
    assert steps[-1].environment_steps == asked
    assert steps[-1].agent_calls == 4 * asked
    assert [step.left_out is None for step in steps] == [True, False, True, False]


def test_leaving_an_agent_out_costs_what_it_brings() -> None:
    """The reward is the weight of one agent: without it nothing is left; without another one there is more of it."""
    state = initial_policy(AGENTS, context_size=1)

    drops = leave_one_out(state, contexts=np.ones((3, 1)), rewards=lambda _, weights: weights[..., 2])

    assert drops["archivist"] == pytest.approx(0.25)
    assert drops["quality"] == pytest.approx(0.25 - 1 / 3)


def test_the_variance_is_that_of_the_policy() -> None:
    """The mean over updates that do not move, against `policy_figures` with its own draws."""
    steps = _train(200, rewards=lambda _, weights: np.ones(weights.shape[:2]))

    wanted = policy_figures(
        initial_policy(AGENTS, context_size=1), contexts=np.ones((1, 1)), seed=3, samples=20_000
    )
    assert np.mean([step.variance for step in steps]) == pytest.approx(wanted.variance, rel=0.03)
    assert all(step.update.share_without_signal == 1.0 for step in steps)
    assert all(step.update.gradient_norm == 0.0 and step.update.effective_samples == 0.0 for step in steps)
    assert steps[-1].state.version == 0


def test_draws_have_the_mean_and_deviation_of_the_policy() -> None:
    """In each context its own."""
    state = _train(20, drawn=_sides)[-1].state
    contexts = np.array([[1.0, 1.0], [1.0, -1.0]])

    drawn = draw_logits(state, contexts, samples=40_000, generator=np.random.default_rng(2))

    np.testing.assert_allclose(drawn.mean(axis=1), contexts @ np.array(state.means).T, atol=0.02)
    np.testing.assert_allclose(drawn.std(axis=1), np.tile(np.exp(state.log_sigmas), (2, 1)), rtol=0.03)


def test_a_policy_that_no_longer_explores_and_earns_less_than_before_has_collapsed() -> None:
    """The world changes after exploring has ended: what was best earns nothing more."""
    asked = 0

    def rewards(contexts: Floats, weights: Floats) -> Floats:
        nonlocal asked
        asked += 1
        return weights[..., 0] if asked < 350 else -weights[..., 0]

    steps = _train(380, rewards=rewards, measure_every=10_000, learning=LearningOptions(rate=0.1))

    assert not any(Alarm.COLLAPSE in step.alarms for step in steps[:349])
    assert any(Alarm.COLLAPSE in step.alarms for step in steps[349:])


def test_a_variance_that_rises_with_each_of_five_updates_is_a_divergence() -> None:
    """A reward for logits far from the middle drives sigma up to its bound."""
    steps = _train(60, rewards=lambda _, weights: weights.max(axis=2), learning=LearningOptions(rate=0.2))

    assert any(Alarm.DIVERGENCE in step.alarms for step in steps)


@pytest.mark.parametrize("options", [{"samples": 1}, {"contexts": 0}])
def test_an_update_without_a_group_is_refused(options) -> None:
    """There is nothing to compare with."""
    with pytest.raises(ValueError, match="two samples"):
        _train(1, **options)


def test_a_reward_that_is_not_finite_is_refused() -> None:
    """It would move all agents to nowhere."""
    with pytest.raises(ValueError, match="not finite"):
        _train(1, rewards=lambda _, weights: np.full(weights.shape[:2], np.nan))
