"""The policy over the agents' weights: what it draws and what is said of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.ranking.scene import AGENTS, random_source

from opsctl.ranking.model import Floats, PolicyState
from opsctl.ranking.policy import (
    density_ratios,
    divergence,
    initial_policy,
    policy_figures,
    sample_logits,
    softmax,
    with_agents,
)

CONTEXTS = np.array([[1.0, 0.0], [1.0, 1.0]])


@given(arrays(np.float64, st.integers(1, 6), elements=st.floats(-1e6, 1e6)))
def test_weights_sum_to_1(logits: Floats) -> None:
    """However far apart the logits are."""
    weights = softmax(logits)

    assert weights.sum() == pytest.approx(1)
    assert bool((weights >= 0).all())


def test_logits_follow_the_policys_gaussian() -> None:
    """Mean `b . s`, deviation sigma; 20,000 draws, within 4 standard errors."""
    state = PolicyState(
        agents=("a", "b"), means=((1.0, 2.0), (0.0, -1.0)), log_sigmas=(math.log(0.5), math.log(0.1))
    )

    drawn = sample_logits(state, context=np.array([1.0, 0.5]), generator=random_source(1), samples=20_000)

    np.testing.assert_allclose(drawn.mean(axis=0), [2.0, -0.5], atol=4 * 0.5 / math.sqrt(20_000))
    np.testing.assert_allclose(drawn.std(axis=0), [0.5, 0.1], rtol=0.03)


def test_at_first_all_agents_count_the_same() -> None:
    """On average; and the policy explores."""
    figures = policy_figures(initial_policy(AGENTS, context_size=2), contexts=CONTEXTS, seed=1)

    np.testing.assert_allclose(figures.mean_weights, [0.25] * 4, atol=0.02)
    assert math.fsum(figures.mean_weights) == pytest.approx(1)
    assert figures.variance > 0.01
    assert figures.mean_sigma == pytest.approx(0.5)


def test_the_variance_falls_with_sigma() -> None:
    """A policy that no longer explores shows it."""
    wide = PolicyState(agents=("a", "b"), means=((0.0,), (0.0,)), log_sigmas=(0.0, 0.0))
    narrow = PolicyState(agents=("a", "b"), means=((0.0,), (0.0,)), log_sigmas=(-3.0, -3.0))

    wide_figures = policy_figures(wide, contexts=np.ones((1, 1)), seed=1)
    narrow_figures = policy_figures(narrow, contexts=np.ones((1, 1)), seed=1)

    assert wide_figures.variance > 10 * narrow_figures.variance
    assert wide_figures.entropy == pytest.approx(narrow_figures.entropy + 6.0)


def test_divergence_is_that_of_gaussians() -> None:
    """`log(s2/s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1/2`, by hand; 0 to itself."""
    state = PolicyState(agents=("a",), means=((1.0,),), log_sigmas=(math.log(0.5),))
    reference = PolicyState(agents=("a",), means=((0.0,),), log_sigmas=(0.0,))

    assert divergence(state, state, contexts=np.ones((1, 1))) == 0
    assert divergence(state, reference, contexts=np.ones((1, 1))) == pytest.approx(
        math.log(2) + 1.25 / 2 - 0.5
    )


def test_density_ratios_are_those_of_gaussians_and_cut_off() -> None:
    """By hand; 1 to itself; over draws of the older policy they are 1 on average where nothing is cut off."""
    older = PolicyState(agents=("a",), means=((0.0,),), log_sigmas=(0.0,))
    newer = PolicyState(agents=("a",), means=((0.2,),), log_sigmas=(math.log(0.9),))
    logits = sample_logits(older, context=np.ones(1), generator=random_source(1), samples=20_000)
    contexts = np.ones((20_000, 1))

    def ratios(state: PolicyState, greatest: float) -> Floats:
        return density_ratios(state, older, contexts=contexts, logits=logits, greatest=greatest)

    assert (ratios(older, 9.0) == 1).all()
    assert ratios(newer, 9.0).mean() == pytest.approx(1, abs=0.02)
    assert ratios(newer, 1.1).max() == pytest.approx(1.1)
    by_hand = math.exp(-(((logits[0, 0] - 0.2) / 0.9) ** 2) / 2 + logits[0, 0] ** 2 / 2) / 0.9
    assert ratios(newer, 9.0)[0] == pytest.approx(by_hand)


def test_other_agents_keep_what_is_learned_of_those_that_stay() -> None:
    """A book that adds, drops and reorders agents; a context of another size starts all anew."""
    state = PolicyState(agents=("a", "b"), means=((1.0,), (2.0,)), log_sigmas=(-1.0, -2.0), version=3)

    changed = with_agents(state, ["c", "b"], context_size=1)

    assert changed == PolicyState(
        agents=("c", "b"), means=((0.0,), (2.0,)), log_sigmas=(math.log(0.5), -2.0), version=3
    )
    assert with_agents(state, ["a", "b"], context_size=1) is state
    assert with_agents(state, ["a", "b"], context_size=2).means == ((0.0, 0.0), (0.0, 0.0))
