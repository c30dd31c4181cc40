"""Thompson sampling: Beta counting, propensities that are true, P(best) that is calibrated, convergence."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ranking.scene import ARMS, random_source

from opsctl.ranking.model import ArmsState
from opsctl.ranking.thompson import (
    arms_figures,
    choose_arm,
    initial_arms,
    update_arms,
    with_arms,
)

COUNTS = st.dictionaries(st.sampled_from(ARMS), st.integers(0, 1000))
STATES = st.integers(1, 6).flatmap(
    lambda count: st.builds(
        ArmsState,
        names=st.just(tuple(f"arm{number}" for number in range(count))),
        alpha=st.tuples(*[st.floats(0.01, 1e6)] * count),
        beta=st.tuples(*[st.floats(0.01, 1e6)] * count),
    )
)


def _probability_that_the_first_is_better(first: tuple[int, int], second: tuple[int, int]) -> float:
    """Return P(p1 > p2) of two Beta posteriors with whole numbers, in closed form (Evan Miller, 2014)."""

    def log_beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    (a1, b1), (a2, b2) = first, second
    return sum(
        math.exp(log_beta(a2 + i, b1 + b2) - math.log(b1 + i) - log_beta(1 + i, b1) - log_beta(a2, b2))
        for i in range(a1)
    )


@given(batches=st.lists(st.tuples(COUNTS, COUNTS), max_size=5))
def test_the_posterior_is_the_prior_plus_what_was_counted(
    batches: list[tuple[dict[str, int], dict[str, int]]],
) -> None:
    """However the rewards are cut into batches; each batch is a version."""
    state = initial_arms(ARMS)
    for successes, failures in batches:
        state = update_arms(state, successes=successes, failures=failures)

    assert state.alpha == tuple(1 + sum(s.get(arm, 0) for s, _ in batches) for arm in ARMS)
    assert state.beta == tuple(1 + sum(f.get(arm, 0) for _, f in batches) for arm in ARMS)
    assert state.version == len(batches)


@given(STATES, st.floats(0, 1), st.integers(0, 2**63))
def test_propensities_sum_to_1_and_keep_the_floor(state: ArmsState, share: float, seed: int) -> None:
    """For any posterior and any floor that leaves room."""
    floor = share / len(state.names)

    choice = choose_arm(state, floor=floor, generator=random_source(seed), draws=100)

    assert math.fsum(choice.propensities.values()) == pytest.approx(1)
    assert all(propensity >= floor - 1e-12 for propensity in choice.propensities.values())
    assert choice.propensity == choice.propensities[choice.arm] > 0


@pytest.mark.slow
def test_an_arm_is_played_as_often_as_its_propensity_says() -> None:
    """2,000 plays of one state; the mean propensity against the frequency, within 4 standard errors."""
    state = ArmsState(names=ARMS, alpha=(3.0, 5.0, 2.0, 9.0), beta=(7.0, 9.0, 9.0, 12.0))

    choices = [choose_arm(state, floor=0.05, generator=random_source(seed)) for seed in range(2000)]

    for arm in ARMS:
        expected = float(np.mean([choice.propensities[arm] for choice in choices]))
        played = sum(choice.arm == arm for choice in choices) / len(choices)
        assert abs(played - expected) < 4 * math.sqrt(expected * (1 - expected) / len(choices))


@pytest.mark.parametrize(
    ("first", "second"), [((2, 2), (2, 2)), ((12, 30), (9, 40)), ((300, 700), (280, 720)), ((1, 1), (1, 20))]
)
def test_the_probability_of_being_best_agrees_with_the_closed_form(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    """Two arms, within 4 standard errors of 10,000 draws."""
    state = ArmsState(names=("a", "b"), alpha=(first[0], second[0]), beta=(first[1], second[1]))

    figures = arms_figures(state, seed=7)

    exact = _probability_that_the_first_is_better(first, second)
    assert abs(figures.best[0] - exact) < 4 * math.sqrt(exact * (1 - exact) / 10_000)


@given(STATES)
def test_figures_are_those_of_beta_distributions(state: ArmsState) -> None:
    """Means and deviations by the textbook; the rest within its bounds."""
    figures = arms_figures(state, seed=1, draws=200)

    for alpha, beta, mean, deviation in zip(
        state.alpha, state.beta, figures.means, figures.deviations, strict=True
    ):
        assert mean == pytest.approx(alpha / (alpha + beta))
        assert deviation == pytest.approx(math.sqrt(mean * (1 - mean) / (alpha + beta + 1)))
    assert math.fsum(figures.best) == pytest.approx(1)
    assert 0 <= figures.entropy <= math.log(len(state.names)) + 1e-12
    assert 0 <= figures.value_remaining < math.inf


def test_sampling_finds_the_best_arm_and_says_how_little_is_left_to_gain() -> None:
    """Planted rates, batches of 500 plays; simulated, from a seed."""
    rates, source = (
        {"fresh": 0.05, "underexposed": 0.08, "adjacent": 0.3, "new_vendor": 0.1},
        random_source(11),
    )
    state = initial_arms(ARMS)

    for _ in range(20):
        played = [choose_arm(state, floor=0.02, generator=source, draws=100).arm for _ in range(500)]
        rewarded = [arm for arm in played if source.random() < rates[arm]]
        successes = {arm: rewarded.count(arm) for arm in ARMS}
        failures = {arm: played.count(arm) - successes[arm] for arm in ARMS}
        state = update_arms(state, successes=successes, failures=failures)

    figures = arms_figures(state, seed=1)
    assert ARMS[int(np.argmax(figures.best))] == "adjacent"
    assert max(figures.best) > 0.95
    assert figures.value_remaining < 0.01


def test_a_late_reward_takes_its_failure_back() -> None:
    """As if it had been known in time."""
    told_late = update_arms(initial_arms(ARMS), successes={}, failures={"fresh": 3})
    told_late = update_arms(told_late, successes={}, failures={}, late={"fresh": 1})

    in_time = update_arms(initial_arms(ARMS), successes={"fresh": 1}, failures={"fresh": 2})

    assert (told_late.alpha, told_late.beta) == (in_time.alpha, in_time.beta)


def test_a_late_reward_never_takes_more_than_was_counted() -> None:
    """A forgotten failure cannot be taken back: beta stays at the prior."""
    state = update_arms(initial_arms(ARMS), successes={}, failures={}, late={"fresh": 2})

    assert (state.alpha[0], state.beta[0]) == (3.0, 1.0)


def test_other_arms_keep_what_is_known_of_those_that_stay() -> None:
    """A book that adds, drops and reorders arms."""
    state = ArmsState(names=("a", "b"), alpha=(5.0, 6.0), beta=(7.0, 8.0), version=4)

    changed = with_arms(state, ["c", "b"])

    assert changed == ArmsState(names=("c", "b"), alpha=(1.0, 6.0), beta=(1.0, 8.0), version=4)
    assert with_arms(state, ["a", "b"]) is state


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"successes": {"sideways": 1}}, "no arm is called `sideways`"),
        ({"failures": {"fresh": -1}}, "-1 plays"),
        ({"late": {"fresh": -1}}, "-1 plays"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(change: dict[str, object], words: str) -> None:
    """Nothing is learned from it."""
    batch: dict[str, object] = {"successes": {}, "failures": {}} | change
    with pytest.raises(ValueError, match=words):
        update_arms(initial_arms(ARMS), **batch)  # type: ignore[arg-type]


def test_a_floor_that_leaves_no_room_is_refused() -> None:
    """Four arms cannot each have 0.3; no arms cannot be played."""
    with pytest.raises(ValueError, match="exceeds"):
        choose_arm(initial_arms(ARMS), floor=0.3, generator=random_source(1))
    with pytest.raises(ValueError, match="no arm"):
        choose_arm(initial_arms(()), floor=0.0, generator=random_source(1))
