"""How is a list kept from repeating itself: maximal marginal relevance."""

import numpy as np
from numpy.typing import NDArray

from opsctl.ranking.features import cosines
from opsctl.ranking.model import Floats


def choose_diverse(
    relevance: Floats, vectors: NDArray[np.float32], *, count: int, diversity: float
) -> NDArray[np.intp]:
    """Return the indices of `count` items in the order chosen by maximal marginal relevance, in O(n count).

    Each next item is the argmax of `(1 - diversity) relevance - diversity (greatest cosine to what is chosen)`
    (Carbonell and Goldstein, SIGIR 1998; lambda = 1 - diversity). Of equals the one with the least index comes first.

    Args:
        relevance: shape (n,), finite, about from 0 to 1 so that it compares with a cosine.
        vectors: shape (n, d), rows of length 1.
        count: how many, from 0 to n.
        diversity: from 0, which sorts by relevance, to 1, which keeps away from what is chosen.

    Raises:
        ValueError: `count` or `diversity` lie outside their bounds.
    """
    if not 0 <= count <= len(relevance):
        raise ValueError(f"cannot choose {count} of {len(relevance)} items")
    if not 0 <= diversity <= 1:
        raise ValueError(f"diversity must lie in [0, 1], got {diversity}")
    if diversity == 0 or count <= 1:
        return np.argsort(-relevance, kind="stable")[:count]
    chosen = np.empty(count, np.intp)
    gain = (1.0 - diversity) * relevance
    chosen[0] = relevance.argmax()
    nearest = np.full(len(relevance), -1.0, np.float32)
    for position in range(1, count):
        last = chosen[position - 1]
        gain[last] = -np.inf
        np.maximum(nearest, cosines(vectors, vectors[last]), out=nearest)
        chosen[position] = (gain - diversity * nearest).argmax()
    return chosen
