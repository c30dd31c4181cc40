"""How are numbers that may be missing made into one: feature columns, blends, nearness to the reader's history."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from opsctl.ranking.model import Candidates, Feature, Floats, Ids, Reader

UNKNOWN = 0.5
"""What a blend says of an item of which none of its features is known: neither good nor bad."""
NEIGHBOURS = 3
"""One click is chance, three near each other are a taste: the size of a neighbourhood in the history."""
_GRID = 2048


def column(candidates: Candidates, feature: Feature) -> Floats:
    """Return one feature, shape (n,), within [0, 1]; what is not a finite number is NaN."""
    values = candidates.features[:, feature]
    # the two of which np.clip consists, without what it wraps round them
    return np.where(np.isfinite(values), np.minimum(np.maximum(values, 0.0), 1.0), np.nan)


def blend(parts: Mapping[Feature, float], candidates: Candidates) -> Floats:
    """Return the weighted mean of features, shape (n,), within [0, 1]; see `weighted_mean`."""
    return weighted_mean([(weight, column(candidates, feature)) for feature, weight in parts.items()])


def weighted_mean(parts: list[tuple[float, Floats]]) -> Floats:
    """Return the weighted mean of arrays with values in [0, 1]; an unknown (NaN) value has no say.

    The mean runs over what is known of each item, so a missing feature moves no item up or down by itself. A negative
    weight turns its array around (1 - value). Where nothing is known the mean is `UNKNOWN`.

    >>> weighted_mean([(3.0, np.array([1.0, np.nan, np.nan])), (1.0, np.array([0.0, 0.2, np.nan]))])
    array([0.75, 0.2 , 0.5 ])
    """
    weights = np.array([abs(weight) for weight, _ in parts])[:, None]
    values = np.array([1.0 - values if weight < 0 else values for weight, values in parts])
    known = ~np.isnan(values)
    values[~known] = 0.0
    shares = weights * known
    total = np.add.reduce(shares, axis=0)
    summed = np.add.reduce(shares * values, axis=0)
    has_any = total > 0
    mean = np.minimum(np.maximum(summed / np.where(has_any, total, 1.0), 0.0), 1.0)
    return np.where(has_any, mean, UNKNOWN)


def cosines(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the cosines of rows (n, d) of length 1 to rows (m, d) or to one (d,), within [-1, 1] but for rounding."""
    products: NDArray[np.float32] = vectors @ others.T
    return products


def on_exact_grid(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows of length 1 rounded to multiples of 2^-11, on which cosines are exact; rows not finite become zeros.

    Products are then multiples of 2^-22 and their sums stay below 4, which 24 bits hold: float32 never rounds, so the
    order in which a BLAS adds, its threads and its kernels do not matter, and equal items have equal cosines wherever
    they stand. The price is an error of about 0.0002 in a cosine.
    """
    rows = np.rint(np.ascontiguousarray(vectors, np.float32) * np.float32(_GRID)) / np.float32(_GRID)
    finite = np.isfinite(rows)
    return rows if finite.all() else np.where(finite.all(axis=1, keepdims=True), rows, np.float32(0.0))


def nearness(candidates: Candidates, reader: Reader) -> Floats:
    """Return how near each candidate is to the reader's history, shape (n,), within [0, 1]; NaN without a history.

    Mean cosine to the `NEIGHBOURS` nearest things of the history, each weighed by its share of the greatest weight;
    below 0 counts as 0. A nearest-neighbour mean keeps the separate tastes of a reader apart, which one mean vector
    would mix (Pinterest's PinnerSage, arXiv 2007.03634, argues the same).
    """
    count = len(reader.history)
    if count == 0:
        return np.full(len(candidates.ids), np.nan)
    near = np.minimum(np.maximum(cosines(candidates.vectors, reader.history), 0.0), 1.0)
    if reader.history_weights is not None:
        near = near * _relative(reader.history_weights)
    if count > NEIGHBOURS:
        near = np.partition(near, count - NEIGHBOURS, axis=1)[:, count - NEIGHBOURS :]
    # partition leaves the order of the greatest open; a sum must not depend on it
    nearest: Floats = np.sort(near, axis=1).mean(axis=1, dtype=np.float64)
    return nearest


def among(values: Ids, wanted: frozenset[int]) -> NDArray[np.bool_]:
    """Return which of the values are wanted, shape (n,)."""
    return np.array([value in wanted for value in values.tolist()], np.bool_)


def _relative(weights: Floats) -> NDArray[np.float32]:
    """Return weights as shares of the greatest one, which is 1; what is below 0 or not finite counts as 0."""
    usable = np.where(np.isfinite(weights), np.maximum(weights, 0.0), 0.0)
    greatest = usable.max()
    return (usable / greatest if greatest > 0 else np.ones(len(usable))).astype(np.float32)
