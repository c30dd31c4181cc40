"""Learning of the weights: planted best weights are found, the gradient is the right one, no signal teaches nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ranking.scene import AGENTS, random_source

from opsctl.ranking.learning import Advantage, Group, LearningOptions, update_policy
from opsctl.ranking.model import Floats, PolicyState
from opsctl.ranking.policy import density_ratios, initial_policy, policy_figures, sample_logits, softmax

PLANTED = np.array([0.1, 0.2, 0.6, 0.1])


def _group(state: PolicyState, context: Floats, rewards_of: Floats, source: np.random.Generator) -> Group:
    logits = sample_logits(state, context=context, generator=source, samples=8)
    rewards = -np.square(softmax(logits) - rewards_of).sum(axis=1)
    return Group(contexts=np.tile(context, (8, 1)), logits=logits, rewards=rewards)


def _any_group(seed: int = 1, size: int = 8) -> tuple[PolicyState, Group]:
    state, source = initial_policy(AGENTS, context_size=2), random_source(seed)
    context = np.array([1.0, 0.5])
    logits = sample_logits(state, context=context, generator=source, samples=size)
    return state, Group(contexts=np.tile(context, (size, 1)), logits=logits, rewards=source.random(size))


@pytest.mark.slow
@pytest.mark.parametrize("advantage", Advantage)
def test_training_finds_planted_weights(advantage: Advantage) -> None:
    """The reward falls with the distance from the planted weights; 400 steps of 8 groups, simulated."""
    state, source, context = initial_policy(AGENTS, context_size=1), random_source(5), np.ones(1)
    options = LearningOptions(rate=0.05, advantage=advantage)

    for _ in range(400):
        groups = [_group(state, context, PLANTED, source) for _ in range(8)]
        state = update_policy(state, groups, options).state

    figures = policy_figures(state, contexts=np.ones((1, 1)), seed=1)
    np.testing.assert_allclose(figures.mean_weights, PLANTED, atol=0.05)
    assert state.version == 400


def _delayed(updates_late: int, *, weighed: bool) -> PolicyState:
    """Return what is learned in three delays when each reward comes that many updates after its draw."""
    state, source = initial_policy(AGENTS, context_size=1), random_source(5)
    drawn: list[tuple[PolicyState, Group]] = []
    for update in range(3 * updates_late):
        drawn.append((state, _group(state, np.ones(1), PLANTED, source)))
        if update >= updates_late:
            acting, group = drawn[update - updates_late]
            ratios = density_ratios(state, acting, contexts=group.contexts, logits=group.logits, greatest=2.0)
            state = update_policy(state, [replace(group, ratios=ratios if weighed else None)]).state
    return state


@pytest.mark.slow
def test_training_finds_planted_weights_when_rewards_come_a_day_late() -> None:
    """Every update of the day is made, 1,440 states behind; unweighed, the first day's draws run away with the policy."""
    found = policy_figures(_delayed(1440, weighed=True), contexts=np.ones((1, 1)), seed=1)
    lost = policy_figures(_delayed(1440, weighed=False), contexts=np.ones((1, 1)), seed=1)

    np.testing.assert_allclose(found.mean_weights, PLANTED, atol=0.08)
    assert np.abs(np.array(lost.mean_weights) - PLANTED).max() > 0.3


def test_small_ratios_make_a_small_step() -> None:
    """What the policy would hardly draw any more says little; nothing at all where all ratios are 0."""
    state, group = _any_group()

    plain = update_policy(state, [group])
    distant = update_policy(state, [replace(group, ratios=np.full(8, 1e-3))])

    assert update_policy(state, [replace(group, ratios=np.ones(8))]).state == plain.state
    assert distant.gradient_norm == pytest.approx(plain.gradient_norm / 1000)
    assert update_policy(state, [replace(group, ratios=np.zeros(8))]).state is state


def test_training_tells_contexts_apart() -> None:
    """One kind of reader wants the third agent, the other the first."""
    wanted = {(1.0, 0.0): np.array([0.1, 0.1, 0.7, 0.1]), (1.0, 1.0): np.array([0.7, 0.1, 0.1, 0.1])}
    state, source = initial_policy(AGENTS, context_size=2), random_source(5)

    for _ in range(400):
        groups = [
            _group(state, np.array(context), best, source)
            for context, best in wanted.items()
            for _ in range(4)
        ]
        state = update_policy(state, groups).state

    for context, best in wanted.items():
        figures = policy_figures(state, contexts=np.array([context]), seed=1)
        assert int(np.argmax(figures.mean_weights)) == int(best.argmax())


@given(size=st.integers(1, 8), reward=st.floats(-1e3, 1e3))
def test_equal_rewards_teach_nothing(size: int, reward: float) -> None:
    """The state stays, and so does its version."""
    state, group = _any_group(size=size)

    update = update_policy(state, [replace(group, rewards=np.full(size, reward))])

    assert update.state is state
    assert (update.share_without_signal, update.gradient_norm, update.effective_samples) == (1.0, 0.0, 0.0)


def test_no_groups_teach_nothing() -> None:
    """A quiet minute."""
    state, _ = _any_group()

    assert update_policy(state, []).state is state


def test_the_gradient_is_that_of_the_log_likelihood() -> None:
    """Against finite differences of `mean A log pi`, for every parameter."""
    state, group = _any_group()
    state = replace(
        state, means=((0.1, -0.2), (0.3, 0.0), (0.0, 0.5), (-0.4, 0.1)), log_sigmas=(-0.5, -1.0, -0.7, -0.2)
    )
    advantages = group.rewards - group.rewards.mean()

    def surrogate(parameters: Floats) -> float:
        sigma = np.exp(parameters[:, -1])
        scaled = (group.logits - group.contexts @ parameters[:, :-1].T) / sigma
        return float((advantages[:, None] * (-0.5 * scaled**2 - np.log(sigma))).sum() / len(advantages))

    parameters = np.column_stack([np.array(state.means), state.log_sigmas])
    numeric = np.zeros_like(parameters)
    for index in np.ndindex(*parameters.shape):
        step = np.zeros_like(parameters)
        step[index] = 1e-6
        numeric[index] = (surrogate(parameters + step) - surrogate(parameters - step)) / 2e-6
    update = update_policy(state, [group], LearningOptions(rate=1e-3, gradient_limit=1e9))

    moved = np.column_stack([np.array(update.state.means), update.state.log_sigmas]) - parameters
    np.testing.assert_allclose(moved / 1e-3, numeric, atol=1e-6)
    assert update.gradient_norm == pytest.approx(float(np.linalg.norm(numeric)))


@given(seed=st.integers(0, 1000), rate=st.floats(1e-3, 100), scale=st.floats(1e-3, 1e6))
def test_a_step_is_bounded_and_sigma_stays_within_its_bounds(seed: int, rate: float, scale: float) -> None:
    """However large the rewards are."""
    state, group = _any_group(seed)

    update = update_policy(state, [replace(group, rewards=group.rewards * scale)], LearningOptions(rate=rate))

    moved = np.array(update.state.means) - np.array(state.means)
    assert np.linalg.norm(moved) <= rate * (1 + 1e-9)
    assert all(0.05 - 1e-9 <= math.exp(value) <= 1 + 1e-9 for value in update.state.log_sigmas)


def test_leaving_one_out_and_dividing_by_the_deviation_scale_the_gradient() -> None:
    """By G / (G - 1) and by 1 / std."""
    state, group = _any_group()

    def norm(options: LearningOptions) -> float:
        return update_policy(state, [group], options).gradient_norm

    plain = norm(LearningOptions())
    assert norm(LearningOptions(advantage=Advantage.LEAVE_ONE_OUT)) == pytest.approx(plain * 8 / 7)
    assert norm(LearningOptions(divide_by_deviation=True)) == pytest.approx(plain / group.rewards.std())


def test_the_reference_pulls_the_policy_back() -> None:
    """Without a signal a policy that went away comes nearer, mean and sigma."""
    reference, group = _any_group()
    group = replace(group, rewards=np.zeros(8))
    state = replace(reference, means=((1.0, 0.0),) * 4, log_sigmas=(0.0,) * 4)
    options = LearningOptions(reference=reference, reference_pull=0.1)

    first = update_policy(state, [group], options)
    last = first
    for _ in range(200):
        last = update_policy(last.state, [group], options)

    assert 0 < last.divergence < first.divergence / 10


def test_importance_weighs_samples() -> None:
    """A sample of importance 0 teaches what its absence would; even importance changes nothing."""
    state, group = _any_group()
    without = Group(contexts=group.contexts[1:], logits=group.logits[1:], rewards=group.rewards[1:])
    ignoring = replace(group, importance=np.array([0.0] + [1.0] * 7))

    assert (
        update_policy(state, [replace(group, importance=np.full(8, 3.0))]).state
        == update_policy(state, [group]).state
    )
    assert update_policy(state, [ignoring]).gradient_norm == pytest.approx(
        update_policy(state, [without]).gradient_norm
    )
    assert update_policy(state, [ignoring]).effective_samples == pytest.approx(7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rewards": np.array([np.nan] + [0.0] * 7)}, "not finite"),
        ({"rewards": np.zeros(7)}, "7 rewards"),
        ({"logits": np.zeros((8, 3))}, "4 agents"),
        ({"contexts": np.ones((8, 3))}, "2 context numbers"),
        ({"importance": np.full(8, -1.0)}, "importance"),
        ({"importance": np.zeros(8)}, "importance"),
        ({"importance": np.ones(3)}, "importance"),
        ({"ratios": np.ones(3)}, "ratios"),
        ({"ratios": np.full(8, -1.0)}, "ratios"),
        ({"ratios": np.full(8, np.nan)}, "ratios"),
    ],
)
def test_a_group_that_does_not_fit_is_refused(change: dict[str, Floats], words: str) -> None:
    """The policy is not spoiled by it."""
    state, group = _any_group()

    with pytest.raises(ValueError, match=words):
        update_policy(state, [replace(group, **change)])
