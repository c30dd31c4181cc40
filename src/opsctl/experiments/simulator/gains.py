"""How much relevance does a slate show, and how much could it: discounted cumulative gain, and the best there is.

K. Jarvelin and J. Kekalainen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002; gains are taken as they
are, not as powers of two, since relevance here is a probability.
"""

import numpy as np

from opsctl.experiments.learners.model import Floats


def discounted(relevance: Floats) -> Floats:
    """Return the sum of relevance over log2(place + 1), shape (b,).

    Args:
        relevance: shape (b, m), best place first.

    >>> discounted(np.array([[1.0, 0.0, 1.0]])).tolist()
    [1.5]
    """
    gains: Floats = relevance @ (1.0 / np.log2(np.arange(relevance.shape[1]) + 2.0))
    return gains


def best_gains(relevance: Floats, *, size: int) -> Floats:
    """Return the greatest gain that a slate of so many of these candidates can have, shape (b,).

    Args:
        relevance: shape (b, c), in any order.
        size: of the slate, m.

    >>> best_gains(np.array([[0.0, 1.0, 0.0]]), size=2).tolist()
    [1.0]
    """
    best = -np.sort(-relevance, axis=1)[:, :size]
    return discounted(best)
