"""What all policies have in common: slates of candidates, chance from the generator alone, and no harm from bad feedback."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from tests.experiments.learners.scenes import contexts, random_feedback, scene

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.policies import POLICIES, PolicyWithChances, make_policy

SCENE = scene(seed=3)
EVERY = pytest.mark.parametrize("name", POLICIES)


def _policy(name: str, *, taught: int = 3) -> PolicyWithChances:
    """Return a policy that has learned some batches."""
    policy = make_policy(name, items=SCENE.items, generator=np.random.default_rng(1))
    for batch in range(taught):
        source = np.random.default_rng(batch)
        policy.learn(random_feedback(SCENE, source, rows=150), generator=source)
    return policy


@EVERY
def test_a_slate_holds_distinct_candidates(name: str) -> None:
    """Of the wanted number, each from its reader's own candidates, the whole of them included."""
    asked = contexts(SCENE, np.random.default_rng(2), feeds=30, candidates=7)

    for size in (1, 3, 7):
        slates = _policy(name).choose(asked, size=size, generator=np.random.default_rng(3))

        assert slates.items.shape == slates.propensities.shape == (30, size)
        for shown, offered in zip(slates.items, asked.candidates, strict=True):
            assert len(set(shown)) == size
            assert set(shown) <= set(offered)


@EVERY
def test_the_generator_alone_decides(name: str) -> None:
    """The same one gives the same slates and the same learning; there is no other source of chance."""
    asked = contexts(SCENE, np.random.default_rng(4), feeds=20)

    first, second = (
        policy.choose(asked, size=4, generator=np.random.default_rng(5)).items
        for policy in (_policy(name), _policy(name))
    )

    assert np.array_equal(first, second)


@EVERY
def test_nobody_asking_and_nothing_to_learn_from_are_no_trouble(name: str) -> None:
    """An arm without readers on some day."""
    policy = make_policy(name, items=SCENE.items, generator=np.random.default_rng(1))
    asked = contexts(SCENE, np.random.default_rng(2), feeds=0)

    slates = policy.choose(asked, size=4, generator=np.random.default_rng(3), with_propensities=True)
    policy.learn(random_feedback(SCENE, np.random.default_rng(4), rows=0), generator=np.random.default_rng(4))

    assert slates.items.shape == (0, 4)


def test_an_unknown_policy_is_named_with_those_that_there_are() -> None:
    """A slip of the pen."""
    with pytest.raises(UsageError, match="no policy is called `ucb`") as refused:
        make_policy("ucb", items=SCENE.items, generator=np.random.default_rng(1))

    assert "epinet_ts" in str(refused.value.fix)


@EVERY
@pytest.mark.parametrize("reward", [np.nan, np.inf, 2.0])
def test_bad_feedback_is_refused_and_changes_nothing(name: str, reward: float) -> None:
    """It goes on exactly as one that never saw the batch."""
    policy = _policy(name)
    spared = deepcopy(policy)
    good = random_feedback(SCENE, np.random.default_rng(1), rows=20)
    bad = replace(good, rewards=np.append(good.rewards[:-1], reward))

    with pytest.raises(UsageError) as refused:
        policy.learn(bad, generator=np.random.default_rng(2))

    assert refused.value.code == "EXP102"
    more, asked = (
        random_feedback(SCENE, np.random.default_rng(8), rows=200),
        contexts(SCENE, np.random.default_rng(9), feeds=50),
    )
    chosen = []
    for each in (policy, spared):
        each.learn(more, generator=np.random.default_rng(10))
        slates = each.choose(asked, size=5, generator=np.random.default_rng(11), with_propensities=True)
        chosen.append((slates.items.tobytes(), slates.propensities.tobytes()))
    assert chosen[0] == chosen[1]


@EVERY
def test_propensities_are_the_frequencies_with_which_items_are_shown(name: str) -> None:
    """2,000 slates of the same feed; the mean logged propensity of an item at its place is how often it stood there.

    Where an item is shown with probability p, both have a standard error of at most 0.5 / sqrt(2000) = 0.011.
    """
    policy = _policy(name)
    one = contexts(SCENE, np.random.default_rng(6), feeds=1, candidates=6)
    feeds = 2000
    many = replace(
        one,
        users=np.repeat(one.users, feeds),
        user_vectors=np.repeat(one.user_vectors, feeds, axis=0),
        user_groups=np.repeat(one.user_groups, feeds),
        candidates=np.repeat(one.candidates, feeds, axis=0),
    )

    slates = policy.choose(many, size=3, generator=np.random.default_rng(7), with_propensities=True)

    assert (slates.propensities > 0).all()
    for place in range(3):
        total = 0.0
        for item in one.candidates[0]:
            shown = slates.items[:, place] == item
            if shown.any():
                logged = slates.propensities[shown, place]
                total += logged.mean()
                assert abs(shown.mean() - logged.mean()) < 0.06
        assert total == pytest.approx(1.0, abs=0.08)


@EVERY
def test_propensities_are_not_computed_unless_asked_for(name: str) -> None:
    """They may take long."""
    slates = _policy(name).choose(
        contexts(SCENE, np.random.default_rng(1)), size=2, generator=np.random.default_rng(2)
    )

    assert np.isnan(slates.propensities).all()


@EVERY
def test_inverse_propensities_weigh_what_was_shown_to_the_truth(name: str) -> None:
    """The mean of 1 / p over a policy's own slates, counted for one item at one place, is 1 where p is never 0.

    Counted over all items, it is the number of items that can stand there; that is what makes off-policy estimates right.
    """
    asked = contexts(SCENE, np.random.default_rng(12), feeds=400, candidates=6)

    slates = _policy(name, taught=1).choose(
        asked, size=2, generator=np.random.default_rng(13), with_propensities=True
    )

    assert 1.0 <= (1 / slates.propensities[:, 0]).mean() <= 6.5


@EVERY
def test_chances_of_all_candidates_sum_to_1_and_are_those_of_the_propensities(name: str) -> None:
    """At each place; against what `choose` logs on average over 2,000 slates of the same feed."""
    policy = _policy(name)
    one = contexts(SCENE, np.random.default_rng(6), feeds=1, candidates=6)
    many = replace(
        one,
        users=np.repeat(one.users, 2000),
        user_vectors=np.repeat(one.user_vectors, 2000, axis=0),
        user_groups=np.repeat(one.user_groups, 2000),
        candidates=np.repeat(one.candidates, 2000, axis=0),
    )
    places = np.arange(2000) % 3

    chances = policy.chances(many, size=3, places=places, generator=np.random.default_rng(7))

    shown = policy.choose(many, size=3, generator=np.random.default_rng(8)).items
    assert chances.shape == (2000, 6)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, rtol=1e-12)
    for place in range(3):
        seen = (shown[:, place, None] == one.candidates).mean(axis=0)
        np.testing.assert_allclose(chances[places == place].mean(axis=0), seen, atol=0.05)
