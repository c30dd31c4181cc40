"""What does a model of our own make of items: a two-tower model of one shared layer, trained on what readers chose.

The vector of an item is `W^T x`, scaled to length 1, of its text features x; that of a reader is `W^T m`, where m is the
mean of the features of what the reader chose before. Both towers share W, so items and readers lie in one space, and an
item that nobody ever saw has a vector, too. The loss is the softmax over the batch: the item that was chosen against those
that others chose (Yi et al. 2019, "Sampling-bias-corrected neural modeling", without the correction: batches are drawn
with one choice a reader, so popular items are not seen more often than they are chosen).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How it is trained.

    Args:
        dimension: length of the vectors.
        epochs: how often every choice is looked at.
        batch: choices that stand against each other; at least 2.
        rate: of Adam.
        temperature: by which cosines are divided before the softmax.
        decay: weight of `||W - W_0||^2`, which keeps features that were seldom seen where they began.
    """

    dimension: int = 32
    epochs: int = 20
    batch: int = 256
    rate: float = 0.01
    temperature: float = 0.1
    decay: float = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What readers chose, n times.

    Args:
        readers: shape (n, f), the mean features of what each had chosen before.
        chosen: shape (n, f), the features of what was chosen then.
    """

    readers: Floats
    chosen: Floats

    def __post_init__(self) -> None:
        if self.readers.shape != self.chosen.shape or self.readers.ndim != 2:
            raise ValueError(f"{self.readers.shape} readers and {self.chosen.shape} items do not pair")
        if not (np.isfinite(self.readers).all() and np.isfinite(self.chosen).all()):
            raise ValueError("a feature is NaN or infinite")


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoTower:
    """The trained model.

    Args:
        weights: shape (f, d).
        losses: mean loss of each epoch.
    """

    weights: Floats
    losses: tuple[float, ...]

    def embed(self, features: Floats) -> Floats:
        """Return vectors of length 1, shape (n, d), for features of items or of readers, shape (n, f)."""
        return _unit(features @ self.weights)


def train_two_tower(
    choices: Choices, *, generator: np.random.Generator, options: TrainingOptions | None = None
) -> TwoTower:
    """Return a model of these choices; the same choices and generator give the same model bit for bit.

    Raises:
        ValueError: there are fewer than two choices.
    """
    options = options or TrainingOptions()
    count, width = choices.readers.shape
    if count < 2:
        raise ValueError(f"two choices at least are needed to tell one from the other, got {count}")
    beginning = generator.standard_normal((width, options.dimension)) / np.sqrt(options.dimension)
    weights, adam, losses = beginning.copy(), _Adam(beginning.shape, rate=options.rate), []
    for _ in range(options.epochs):
        order = generator.permutation(count)
        sums = 0.0
        for batch in _batches(order, size=options.batch):
            loss, gradient = loss_and_gradient(
                weights, choices.readers[batch], choices.chosen[batch], temperature=options.temperature
            )
            weights = adam.step(weights, gradient + 2 * options.decay * (weights - beginning))
            sums += loss * len(batch)
        losses.append(sums / count)
    return TwoTower(weights=weights, losses=tuple(losses))


def loss_and_gradient(
    weights: Floats, readers: Floats, chosen: Floats, *, temperature: float
) -> tuple[float, Floats]:
    """Return the mean loss of a batch and its gradient by the weights, shape (f, d)."""
    raw_readers, raw_items = readers @ weights, chosen @ weights
    users, items = _unit(raw_readers), _unit(raw_items)
    logits = users @ items.T / temperature
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    count = len(users)
    own = np.arange(count)
    loss = -float(np.log(np.maximum(shares[own, own], np.finfo(np.float64).tiny)).mean())
    shares[own, own] -= 1.0
    by_logits = shares / (count * temperature)
    by_readers = _through_unit(by_logits @ items, users, raw_readers)
    by_items = _through_unit(by_logits.T @ users, items, raw_items)
    return loss, readers.T @ by_readers + chosen.T @ by_items


class _Adam:
    """Steps of Kingma and Ba (2015), with their constants."""

    def __init__(self, shape: tuple[int, ...], *, rate: float) -> None:
        self._rate = rate
        self._mean, self._square, self._steps = np.zeros(shape), np.zeros(shape), 0

    def step(self, weights: Floats, gradient: Floats) -> Floats:
        self._steps += 1
        self._mean = 0.9 * self._mean + 0.1 * gradient
        self._square = 0.999 * self._square + 0.001 * gradient**2
        mean = self._mean / (1 - 0.9**self._steps)
        square = self._square / (1 - 0.999**self._steps)
        moved: Floats = weights - self._rate * mean / (np.sqrt(square) + 1e-8)
        return moved


def _batches(order: Ids, *, size: int) -> Sequence[Ids]:
    """Return parts of about equal size; a choice alone would stand against nothing."""
    return np.array_split(order, max(1, len(order) // max(2, size)))


def _unit(rows: Floats) -> Floats:
    """Return rows of length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = rows / np.where(lengths > 0, lengths, 1.0)
    return scaled


def _through_unit(gradient: Floats, unit: Floats, raw: Floats) -> Floats:
    """Return the gradient by rows, given that by the rows scaled to length 1."""
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    across = gradient - (gradient * unit).sum(axis=1, keepdims=True) * unit
    by_raw: Floats = across / np.where(lengths > 0, lengths, 1.0)
    return by_raw
