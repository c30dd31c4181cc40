"""What does each exploration arm show first: a priority over the candidates by the arm's name."""

from enum import StrEnum

import numpy as np

from opsctl.ranking.features import among, column, nearness, weighted_mean
from opsctl.ranking.model import Candidates, Feature, Floats, Reader


class Arm(StrEnum):
    """A way to explore."""

    FRESH = "fresh"
    """The newest items."""
    UNDEREXPOSED = "underexposed"
    """Items that were shown seldom."""
    ADJACENT = "adjacent"
    """Items at the edge of the reader's taste: neither the nearest nor the farthest."""
    NEW_VENDOR = "new_vendor"
    """Vendors with whom the reader has had nothing to do."""


def arm_priority(arm: str, candidates: Candidates, reader: Reader) -> Floats:
    """Return how much an arm wants to show each candidate, shape (n,), within [0, 1], finite.

    The arm's own measure counts 0.6, similarity and quality 0.2 each: exploration tries what might be liked, and two
    readers are not shown the same newest item.

    Raises:
        ValueError: there is no such arm.
    """
    return weighted_mean(
        [
            (0.6, _measure(Arm(arm), candidates, reader)),
            (0.2, column(candidates, Feature.SIMILARITY)),
            (0.2, column(candidates, Feature.QUALITY)),
        ]
    )


def _measure(arm: Arm, candidates: Candidates, reader: Reader) -> Floats:
    match arm:
        case Arm.FRESH:
            return column(candidates, Feature.FRESHNESS)
        case Arm.UNDEREXPOSED:
            return 1.0 - column(candidates, Feature.EXPOSURE)
        case Arm.ADJACENT:
            return _adjacency(candidates, reader)
        case Arm.NEW_VENDOR:
            return 1.0 - among(candidates.vendors, reader.vendors).astype(np.float64)


def _adjacency(candidates: Candidates, reader: Reader) -> Floats:
    """Return 1 at the median nearness among the candidates, falling to 0 at the nearest and the farthest.

    By quantile and not by distance: where the edge of a taste lies differs between embeddings, the order does not.
    """
    if len(reader.history) == 0 or len(candidates.ids) == 0:
        return np.full(len(candidates.ids), np.nan)
    near = nearness(candidates, reader)
    ordered = np.sort(near)
    # the middle rank of equals: the answer must not depend on the order of the candidates
    ranks = (np.searchsorted(ordered, near, "left") + np.searchsorted(ordered, near, "right")) / 2.0
    adjacency: Floats = 1.0 - np.abs(2.0 * ranks / len(near) - 1.0)
    return adjacency
