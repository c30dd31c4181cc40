"""Linear Thompson sampling: the posterior is that of Bayes' rule, and what is drawn comes from it."""

import numpy as np
import pytest
from scipy import stats
from tests.experiments.learners.scenes import random_feedback, scene

from opsctl.experiments.learners.encoding import encoding_of, inputs_of
from opsctl.experiments.learners.linear_thompson import LinearThompsonPolicy

SCENE = scene(seed=9)


def _taught(*sizes: int, forgetting: float = 1.0) -> tuple[LinearThompsonPolicy, np.ndarray, np.ndarray]:
    """Return a policy after batches of these sizes, and all inputs and rewards that it saw."""
    policy = LinearThompsonPolicy(encoding_of(SCENE.items.vectors, width=3), forgetting=forgetting)
    inputs, rewards = [], []
    for number, size in enumerate(sizes):
        source = np.random.default_rng(number)
        given = random_feedback(SCENE, source, rows=size)
        policy.learn(given, generator=source)
        rows = inputs_of(
            policy.encoding.encode(given.user_vectors),
            policy.encoding.encode(SCENE.items.vectors)[given.items],
        )
        inputs.append(np.column_stack([np.ones(size), rows]))
        rewards.append(given.rewards)
    return policy, np.concatenate(inputs), np.concatenate(rewards)


def test_the_posterior_is_that_of_ridge_regression_in_one_go() -> None:
    """Batch by batch or all at once: mean (X'X + I)^-1 X'y, and the inverse gamma of the noise's variance."""
    policy, inputs, rewards = _taught(40, 100, 1, 60)

    precision = inputs.T @ inputs + np.eye(inputs.shape[1])
    mean = np.linalg.solve(precision, inputs.T @ rewards)
    shape = 6.0 + len(rewards) / 2
    rate = 1.25 + 0.5 * (rewards @ rewards - mean @ precision @ mean)
    np.testing.assert_allclose(policy.mean, mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(policy.covariance(), np.linalg.inv(precision) * rate / (shape - 1), rtol=1e-9)


def test_what_is_drawn_has_the_mean_and_covariance_of_the_posterior() -> None:
    """100,000 draws; and their shape is Student's, with twice the shape as degrees of freedom."""
    policy, _, rewards = _taught(30)

    drawn = policy._drawn(100_000, np.random.default_rng(3))

    spread = np.sqrt(np.diag(policy.covariance()))
    np.testing.assert_allclose((drawn.mean(axis=0) - policy.mean) / spread, 0.0, atol=0.02)
    np.testing.assert_allclose(
        np.cov(drawn.T) / np.outer(spread, spread), policy.covariance() / np.outer(spread, spread), atol=0.03
    )
    shape = 6.0 + len(rewards) / 2
    scaled = (drawn[:, 0] - policy.mean[0]) / (spread[0] * np.sqrt((shape - 1) / shape))
    assert stats.kstest(scaled, stats.t(2 * shape).cdf).pvalue > 1e-4


def test_forgetting_weighs_older_batches_less() -> None:
    """With g = 0 nothing but the last batch counts."""
    forgetful, inputs, rewards = _taught(40, 60, forgetting=0.0)

    last, of_last = inputs[40:], rewards[40:]
    wanted = np.linalg.solve(last.T @ last + np.eye(inputs.shape[1]), last.T @ of_last)
    np.testing.assert_allclose(forgetful.mean, wanted, rtol=1e-9, atol=1e-12)


def test_before_anything_is_known_every_candidate_is_shown_about_as_often() -> None:
    """A prior without a preference; items that are encoded as longer may vary more."""
    policy = LinearThompsonPolicy.new(SCENE.items)
    drawn = policy._drawn(50_000, np.random.default_rng(1))

    assert abs(drawn.mean()) < 0.01
    assert drawn.std() == pytest.approx(0.5, abs=0.02)
