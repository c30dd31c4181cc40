"""Three models of choice: what they say on average is what happens, and what is further down is clicked less."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from opsctl.experiments.simulator.choices import Occasion, choose, click_probabilities, expected_reward
from opsctl.experiments.simulator.noise import Noise
from opsctl.experiments.simulator.world_book import Choice, World

_MANY = 40_000
_UTILITIES = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.floats(-8, 8)
)


def _world(choice: Choice, **numbers: float) -> World:
    return World(choice=choice, **numbers)


def _clicks(world: World, utilities: list[float], *, vendors: list[int] | None = None) -> np.ndarray:
    """Return what many readers click in one and the same slate."""
    shown = np.tile(vendors or list(range(len(utilities))), (_MANY, 1))
    occasion = Occasion(noise=Noise(seed=1), day=2, slot=0, users=np.arange(_MANY))
    return choose(world, np.tile(utilities, (_MANY, 1)), vendors=shown, occasion=occasion)


@pytest.mark.parametrize("choice", Choice)
def test_as_many_click_as_the_model_says(choice: Choice) -> None:
    """For 40,000 readers, within 4.5 standard errors."""
    world = _world(choice)
    utilities = [0.5, 3.0, 1.0, 2.5]
    probabilities = click_probabilities(world, np.array([utilities]))[0]

    shares = _clicks(world, utilities).mean(axis=0)

    errors = np.sqrt(probabilities * (1 - probabilities) / _MANY)
    assert (np.abs(shares - probabilities) < 4.5 * errors).all()


@pytest.mark.parametrize("choice", [Choice.LOGIT, Choice.CASCADE])
def test_at_most_one_item_of_a_slate_is_clicked(choice: Choice) -> None:
    """However good they all are."""
    assert _clicks(_world(choice), [3.0, 3.0, 3.0]).sum(axis=1).max() == 1


def test_independent_readers_click_several_items() -> None:
    """In this model alone."""
    assert _clicks(_world(Choice.INDEPENDENT), [3.0, 3.0, 3.0]).sum(axis=1).max() == 3


@pytest.mark.parametrize("choice", Choice)
def test_of_equal_items_the_higher_one_is_clicked_more(choice: Choice) -> None:
    """Position bias, or patience, in the formula and in what happens."""
    probabilities = click_probabilities(_world(choice), np.full((1, 6), 1.0))[0]

    assert (np.diff(probabilities) < 0).all()
    assert (np.diff(_clicks(_world(choice), [1.0] * 4).mean(axis=0)) < 0).all()


@pytest.mark.parametrize("choice", [Choice.LOGIT, Choice.INDEPENDENT])
def test_without_position_bias_places_do_not_matter(choice: Choice) -> None:
    """Equal items are then equal."""
    probabilities = click_probabilities(_world(choice, position_bias=0.0), np.full((1, 6), 1.0))[0]

    assert probabilities == pytest.approx(probabilities[0])


@given(utility=st.floats(-8, 8), no_click=st.floats(-4, 4))
def test_of_a_single_item_all_models_say_the_same(utility: float, no_click: float) -> None:
    """So that worlds of different models are comparable."""
    found = [
        float(click_probabilities(_world(choice, no_click=no_click), np.array([[utility]]))[0, 0])
        for choice in Choice
    ]

    assert found == pytest.approx([1 / (1 + np.exp(no_click - utility))] * 3)


@given(utilities=_UTILITIES, choice=st.sampled_from(Choice))
def test_probabilities_are_some_and_their_sum_is_the_reward(utilities: np.ndarray, choice: Choice) -> None:
    """For any utilities."""
    world = _world(choice)

    probabilities = click_probabilities(world, utilities)

    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert expected_reward(world, utilities) == pytest.approx(probabilities.sum(axis=1))
    if choice is not Choice.INDEPENDENT:
        assert (probabilities.sum(axis=1) < 1).all()


@given(utilities=_UTILITIES, choice=st.sampled_from(Choice), gain=st.floats(0.01, 5))
@settings(max_examples=60)
def test_a_better_item_never_makes_a_slate_worse(utilities: np.ndarray, choice: Choice, gain: float) -> None:
    """For any utilities and gain."""
    better = utilities.copy()
    better[:, -1] += gain

    assert (expected_reward(_world(choice), better) >= expected_reward(_world(choice), utilities)).all()


def test_utilities_beyond_all_bounds_are_no_trouble() -> None:
    """Neither overflow nor a warning."""
    for choice in Choice:
        found = click_probabilities(_world(choice), np.array([[1e6, -1e6]]))

        assert found == pytest.approx(np.array([[1.0, 0.0]]))


@pytest.mark.parametrize("choice", Choice)
def test_a_reader_is_of_the_same_mind_wherever_an_item_stands(choice: Choice) -> None:
    """Whoever clicks an item in second place clicks it in the first, too, or something else in both."""
    above = _clicks(_world(choice), [1.5, 1.4], vendors=[7, 9])
    below = _clicks(_world(choice), [1.4, 1.5], vendors=[9, 7])

    agree = (above[:, 0] & below[:, 1]).sum() / below[:, 1].sum()
    assert agree > 0.75
    other = choose(
        _world(choice),
        np.tile([1.4, 1.5], (_MANY, 1)),
        vendors=np.tile([9, 7], (_MANY, 1)),
        occasion=Occasion(noise=Noise(seed=2), day=2, slot=0, users=np.arange(_MANY)),
    )
    assert (above[:, 0] & other[:, 1]).sum() / other[:, 1].sum() < 0.6
