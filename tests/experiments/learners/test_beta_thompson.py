"""Beta-Bernoulli Thompson sampling: the posterior is the closed form's, the rules those of the service's exploration."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.experiments.learners.scenes import contexts, random_feedback, scene

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.beta_thompson import BetaThompsonPolicy
from opsctl.experiments.learners.model import Feedback, Items
from opsctl.ranking.thompson import initial_arms, update_arms

SCENE = scene(seed=7)


def _feedback(groups: list[int], rewards: list[int], *, readers: list[int] | None = None) -> Feedback:
    """Return impressions of items whose number is their group, by readers of group 0 or of the given ones."""
    count = len(groups)
    return Feedback(
        users=np.arange(count),
        user_vectors=np.zeros((count, 2)),
        user_groups=np.array(readers or [0] * count, np.int64),
        items=np.array(groups, np.int64),
        positions=np.zeros(count, np.int64),
        rewards=np.array(rewards, np.float64),
        propensities=np.full(count, np.nan),
        all_items=Items(vectors=np.zeros((3, 2)), groups=np.arange(3)),
    )


_BATCH = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), max_size=12)


@given(batches=st.lists(_BATCH, max_size=4))
@settings(max_examples=50, deadline=None)
def test_batches_count_as_in_the_service(batches) -> None:
    """`ranking.thompson.update_arms`, fed with the same counts, gives the same a and b."""
    source = np.random.default_rng(1)
    policy, arms = BetaThompsonPolicy(), initial_arms(["0", "1", "2"])
    policy.learn(_feedback([0], [0]), generator=source)  # makes room for all groups
    arms = update_arms(arms, successes={}, failures={"0": 1})

    for batch in batches:
        policy.learn(
            _feedback([group for group, _ in batch], [reward for _, reward in batch]), generator=source
        )
        arms = update_arms(
            arms,
            successes={str(group): batch.count((group, 1)) for group in range(3)},
            failures={str(group): batch.count((group, 0)) for group in range(3)},
        )

    np.testing.assert_allclose(policy.alpha[0], arms.alpha, rtol=1e-12)
    np.testing.assert_allclose(policy.beta[0], arms.beta, rtol=1e-12)


def test_forgetting_moves_towards_the_prior() -> None:
    """`a <- g a + (1 - g) a0` before each batch; at 0 only the newest one counts."""
    policies = {share: BetaThompsonPolicy(forgetting=share) for share in (0.5, 0.0)}
    for policy in policies.values():
        for batch in (_feedback([0] * 12, [1] * 8 + [0] * 4), _feedback([0], [1])):
            policy.learn(batch, generator=np.random.default_rng(1))

    assert (policies[0.5].alpha[0, 0], policies[0.5].beta[0, 0]) == (0.5 * 9 + 0.5 + 1, 0.5 * 5 + 0.5)
    assert (policies[0.0].alpha[0, 0], policies[0.0].beta[0, 0]) == (2.0, 1.0)


def test_each_pair_of_groups_has_the_posterior_in_closed_form() -> None:
    """Beta(1 + successes, 1 + failures), by readers' and items' group, counted one by one."""
    policy, given = BetaThompsonPolicy(), random_feedback(SCENE, np.random.default_rng(2), rows=500)

    policy.learn(given, generator=np.random.default_rng(3))

    for reader in range(policy.alpha.shape[0]):
        for item in range(policy.alpha.shape[1]):
            those = (given.user_groups == reader) & (SCENE.items.groups[given.items] == item)
            assert policy.alpha[reader, item] == 1 + given.rewards[those].sum()
            assert policy.beta[reader, item] == 1 + (1 - given.rewards[those]).sum()


def test_the_first_place_shows_each_group_as_often_as_it_is_the_best_of_a_joint_draw() -> None:
    """Against SciPy's Beta distribution: P(best) by numerical integration, 20,000 feeds."""
    policy = BetaThompsonPolicy()
    policy.learn(
        _feedback([0] * 9 + [1] * 6 + [2] * 3, [1, 1, 1] + [0] * 6 + [1, 1] + [0] * 4 + [1, 0, 0]),
        generator=np.random.default_rng(1),
    )
    asked = replace(
        contexts(SCENE, np.random.default_rng(2), feeds=20_000, candidates=3),
        items=Items(vectors=np.zeros((3, 2)), groups=np.arange(3)),
        candidates=np.tile(np.arange(3), (20_000, 1)),
        user_groups=np.zeros(20_000, np.int64),
        user_vectors=np.zeros((20_000, 2)),
    )

    slates = policy.choose(asked, size=1, generator=np.random.default_rng(3))

    grid = np.linspace(0, 1, 4001)
    posteriors = [stats.beta(a, b) for a, b in zip(policy.alpha[0], policy.beta[0], strict=True)]
    for group in range(3):
        others = [posteriors[other].cdf(grid) for other in range(3) if other != group]
        wanted = np.trapezoid(posteriors[group].pdf(grid) * np.prod(others, axis=0), grid)
        assert (slates.items[:, 0] == group).mean() == pytest.approx(wanted, abs=0.015)


def test_items_of_one_group_are_shown_equally_often() -> None:
    """Nothing is known that would tell them apart."""
    policy = BetaThompsonPolicy()
    asked = replace(
        contexts(SCENE, np.random.default_rng(2), feeds=9000, candidates=3),
        items=Items(vectors=np.zeros((40, 16)), groups=np.zeros(40, np.int64)),
    )

    slates = policy.choose(asked, size=1, generator=np.random.default_rng(3))

    shares = [(slates.items[:, 0] == asked.candidates[:, column]).mean() for column in range(3)]
    np.testing.assert_allclose(shares, 1 / 3, atol=0.025)


@pytest.mark.parametrize("forgetting", [-0.1, 1.1, float("nan")])
def test_forgetting_that_is_no_share_is_refused(forgetting: float) -> None:
    """Before anything is learned."""
    with pytest.raises(UsageError, match="forgetting is a share"):
        BetaThompsonPolicy(forgetting=forgetting)


def test_a_group_below_0_is_refused() -> None:
    """It would count for the last group."""
    with pytest.raises(UsageError, match="group is below 0"):
        BetaThompsonPolicy().learn(_feedback([0], [1], readers=[-1]), generator=np.random.default_rng(1))
