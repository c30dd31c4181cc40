"""A model of our own learns from what readers chose, the same each time, and its gradient is the true one."""

import numpy as np
import pytest

from opsctl.experiments.studies.two_tower import (
    Choices,
    TrainingOptions,
    loss_and_gradient,
    train_two_tower,
)


def planted(count: int, *, seed: int) -> tuple[Choices, np.ndarray]:
    """Return choices of readers who go by two of twenty features only, and the items' features."""
    generator = np.random.Generator(np.random.PCG64(seed))
    items = generator.standard_normal((200, 20))
    style = items[:, :2] / np.linalg.norm(items[:, :2], axis=1, keepdims=True)
    first = generator.integers(200, size=count)
    near = style[first] @ style.T + 0.05 * generator.standard_normal((count, 200))
    near[np.arange(count), first] = -np.inf
    chosen = near.argmax(axis=1)
    return Choices(readers=items[first], chosen=items[chosen]), items


def test_the_gradient_is_that_of_the_loss() -> None:
    """Against finite differences, in every direction that is tried."""
    generator = np.random.Generator(np.random.PCG64(3))
    readers, chosen = generator.standard_normal((2, 7, 5))
    weights = generator.standard_normal((5, 3))
    _, gradient = loss_and_gradient(weights, readers, chosen, temperature=0.3)

    for _ in range(10):
        direction = generator.standard_normal(weights.shape)
        ahead, _ = loss_and_gradient(weights + 1e-6 * direction, readers, chosen, temperature=0.3)
        behind, _ = loss_and_gradient(weights - 1e-6 * direction, readers, chosen, temperature=0.3)
        assert (ahead - behind) / 2e-6 == pytest.approx(
            float((gradient * direction).sum()), rel=1e-5, abs=1e-8
        )


def test_it_learns_which_features_readers_go_by() -> None:
    """Held-out choices stand far nearer to the top than by the plain features."""
    choices, items = planted(2000, seed=1)
    held_out, _ = planted(300, seed=2)
    model = train_two_tower(
        choices,
        generator=np.random.Generator(np.random.PCG64(5)),
        options=TrainingOptions(dimension=8, epochs=15),
    )

    def rank_of_chosen(users: np.ndarray, vectors: np.ndarray, own: np.ndarray) -> float:
        scores = users @ vectors.T
        return float(np.median((scores > (users * own).sum(axis=1, keepdims=True)).sum(axis=1)))

    ours = rank_of_chosen(model.embed(held_out.readers), model.embed(items), model.embed(held_out.chosen))
    plain = rank_of_chosen(held_out.readers, items, held_out.chosen)

    assert ours < 0.5 * plain
    assert model.losses[-1] < model.losses[0]


def test_the_same_choices_give_the_same_model() -> None:
    """Bit for bit."""
    choices, _ = planted(300, seed=4)
    options = TrainingOptions(dimension=4, epochs=3)

    first, second = (
        train_two_tower(choices, generator=np.random.Generator(np.random.PCG64(7)), options=options)
        for _ in range(2)
    )

    assert np.array_equal(first.weights, second.weights)


def test_what_cannot_be_learned_from_is_refused() -> None:
    """One choice, numbers that are none, and rows that do not pair."""
    generator = np.random.Generator(np.random.PCG64(1))
    one = np.ones((1, 3))
    with pytest.raises(ValueError, match="two choices at least"):
        train_two_tower(Choices(readers=one, chosen=one), generator=generator)
    with pytest.raises(ValueError, match="NaN"):
        Choices(readers=one, chosen=np.full((1, 3), np.nan))
    with pytest.raises(ValueError, match="do not pair"):
        Choices(readers=one, chosen=np.ones((2, 3)))
