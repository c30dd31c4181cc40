"""Greedy and epsilon-greedy: the closed form of the propensities is right, and epsilon does what it says."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.experiments.learners.scenes import contexts, random_feedback, scene

from opsctl.core.errors import UsageError
from opsctl.experiments.learners.greedy import EpsilonGreedyPolicy, slate_propensities

SCENE = scene(seed=5)


def _brute(size: int, candidates: int, epsilon: float) -> np.ndarray:
    """Return P(item at place), shape (m, c), by all ways to explore and all orders of what is free; best items are 0, 1, ..."""
    chances = np.zeros((size, candidates))
    for explores in itertools.product((False, True), repeat=size):
        chance = np.prod([epsilon if each else 1 - epsilon for each in explores])
        free = [item for item in range(candidates) if not (item < size and not explores[item])]
        places = [place for place in range(size) if explores[place]]
        for place in range(size):
            if not explores[place]:
                chances[place, place] += chance
        orders = list(itertools.permutations(free, len(places)))
        for order in orders:
            for place, item in zip(places, order, strict=True):
                chances[place, item] += chance / len(orders)
    return chances


@given(size=st.integers(1, 3), more=st.integers(0, 2), epsilon=st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_the_closed_form_is_that_of_counting_all_cases(size: int, more: int, epsilon: float) -> None:
    """And for each place it sums to 1 over the items."""
    candidates = size + more
    order = np.tile(np.arange(size), (candidates, 1))

    found = np.empty((size, candidates))
    for place in range(size):
        shown = np.full((candidates, size), -1)
        shown[:, place] = np.arange(candidates)
        found[place] = slate_propensities(order, shown, candidates=candidates, epsilon=epsilon)[:, place]

    np.testing.assert_allclose(found, _brute(size, candidates, epsilon), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)


def test_without_epsilon_the_best_is_shown_for_sure() -> None:
    """The greedy policy has propensities of 1, and needs no chance."""
    policy = EpsilonGreedyPolicy.new(SCENE.items, epsilon=0.0, generator=np.random.default_rng(1))
    asked = contexts(SCENE, np.random.default_rng(2))

    slates = policy.choose(asked, size=3, generator=np.random.default_rng(3), with_propensities=True)
    again = policy.choose(asked, size=3, generator=np.random.default_rng(4))

    assert (slates.propensities == 1.0).all()
    assert np.array_equal(slates.items, again.items)


def test_epsilon_is_the_share_of_places_that_explore() -> None:
    """Of 12 candidates, an exploring place shows the greedy item now and then by chance; the rest is counted."""
    greedy, curious = (
        EpsilonGreedyPolicy.new(SCENE.items, epsilon=epsilon, generator=np.random.default_rng(1))
        for epsilon in (0.0, 0.3)
    )
    asked = contexts(SCENE, np.random.default_rng(2), feeds=4000)

    best = greedy.choose(asked, size=4, generator=np.random.default_rng(3)).items
    slates = curious.choose(asked, size=4, generator=np.random.default_rng(4), with_propensities=True)

    other = (slates.items != best).mean()
    chance_of_own = 1.0 - slates.propensities[slates.items == best].mean()
    assert other == pytest.approx(chance_of_own, abs=0.015)
    assert other == pytest.approx(0.3, abs=0.04)


def test_the_network_learns_what_is_liked() -> None:
    """After 6,000 random impressions the greedy choice is far better than one by chance."""
    policy = EpsilonGreedyPolicy.new(SCENE.items, epsilon=0.0, generator=np.random.default_rng(1))
    source = np.random.default_rng(2)
    for _ in range(10):
        policy.learn(random_feedback(SCENE, source, rows=600), generator=source)

    asked = contexts(SCENE, np.random.default_rng(3), feeds=400)
    chosen = SCENE.rates(asked.users, policy.choose(asked, size=1, generator=source).items).mean()

    rates = SCENE.rates(asked.users, asked.candidates)
    assert chosen > rates.mean() + 0.5 * (rates.max(axis=1).mean() - rates.mean())


@pytest.mark.parametrize("epsilon", [-0.1, 1.1, float("nan")])
def test_an_epsilon_that_is_no_share_is_refused(epsilon: float) -> None:
    """Before anything is made."""
    with pytest.raises(UsageError, match="epsilon is a share"):
        EpsilonGreedyPolicy.new(SCENE.items, epsilon=epsilon, generator=np.random.default_rng(1))
