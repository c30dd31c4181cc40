"""How do learners see readers and items: as a few numbers of about the same size, whatever the length of the vectors."""

from dataclasses import dataclass

import numpy as np

from opsctl.experiments.learners.model import Floats, Items

WIDTH = 16
"""Numbers of a reader, and of an item; a learner's input is both and their products (layer norm and product as in ENR,
Zhu and Van Roy, arXiv 2306.14834)."""
_LEAST_VARIANCE = 1e-5  # as in Ba et al. (2016)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """A linear map of vectors, the same for readers and items, followed by layer norm.

    Args:
        centre: shape (d,), taken off first.
        directions: shape (d, w).
    """

    centre: Floats
    directions: Floats

    @property
    def width(self) -> int:
        """Return w."""
        return int(self.directions.shape[1])

    def encode(self, vectors: Floats) -> Floats:
        """Return encodings of mean 0 and variance 1 each, shape (n, w); zeros, which say that nothing is known, stay zeros."""
        is_known = vectors.any(axis=1, keepdims=True)
        rows = ((vectors - self.centre) @ self.directions) * is_known
        return layer_norm(rows)


class ItemEncodings:
    """Encodings of all items, made anew only when the items are others."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._items: Items | None = None
        self._rows: Floats = np.zeros((0, encoding.width))

    def of(self, items: Items) -> Floats:
        """Return the encodings, shape (v, w)."""
        if items is not self._items:
            self._items, self._rows = items, self._encoding.encode(items.vectors)
        return self._rows


def encoding_of(vectors: Floats, *, width: int = WIDTH) -> Encoding:
    """Return the encoding by the directions in which these vectors differ most, each scaled to a variance of 1.

    Without the scaling the first direction alone would be left after layer norm. Signs are fixed, because libraries differ
    in those of singular vectors. Fewer directions than `width` are made up by zeros.

    Args:
        vectors: shape (v, d), of items; those of readers lie in the same space.
        width: w.

    Raises:
        ValueError: there are no vectors, or one is not finite.
    """
    if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
        raise ValueError(f"finite vectors of items are needed, got shape {vectors.shape}")
    centre = vectors.mean(axis=0)
    _, values, axes = np.linalg.svd(vectors - centre, full_matrices=False)
    kept = int((values[:width] > 1e-9 * max(1.0, float(values[0]))).sum())
    greatest = np.abs(axes[:kept]).argmax(axis=1)
    signs = np.sign(axes[np.arange(kept), greatest])
    directions = np.zeros((vectors.shape[1], width))
    directions[:, :kept] = (axes[:kept] * signs[:, None]).T / (values[:kept] / np.sqrt(len(vectors)))
    return Encoding(centre=centre, directions=directions)


def layer_norm(rows: Floats) -> Floats:
    """Return rows of mean 0 and variance 1; rows of equal numbers become zeros."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    variance = np.square(centred).mean(axis=1, keepdims=True)
    normed: Floats = centred / np.sqrt(variance + _LEAST_VARIANCE)
    return normed


def inputs_of(users: Floats, items: Floats) -> Floats:
    """Return what a learner sees of pairs: reader, item, and their products, shape (n, 3 w)."""
    return np.concatenate([users, items, users * items], axis=1)
