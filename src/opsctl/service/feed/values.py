"""What passes between the stages of a feed: a reader's profile, attention to items, what was retrieved."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from opsctl.store.content_writes import ItemFacts

Vector = NDArray[np.float32]
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a reader, kept in L1.

    Args:
        vector: shape (d,), length 1; None for somebody of whom nothing positive is known.
        recent: shape (h, d), vectors of the newest interactions, the newest first.
        recent_weights: shape (h,), how much each of them says.
        vendors: whose offers were interacted with.
        seen: items that were interacted with.
        hidden: items that the reader does not want to see again.
        region: the reader's own; None when it is not known.
        usual_price_usd: median price of what was liked; None when it is not known.
        context: the numbers on which the agents' weights depend.
        segment: cold, light, regular or heavy.
    """

    user_id: int
    vector: Vector | None
    recent: Matrix
    recent_weights: NDArray[np.float64]
    vendors: frozenset[int]
    seen: frozenset[int]
    hidden: frozenset[int]
    region: str | None
    usual_price_usd: float | None
    context: NDArray[np.float64]
    segment: str

    @property
    def size_bytes(self) -> int:
        """Return about how much memory it takes."""
        vector = 0 if self.vector is None else self.vector.nbytes
        # 60 bytes: an int object and its slot in a set.
        numbers = len(self.seen) + len(self.hidden) + len(self.vendors)
        return 500 + vector + self.recent.nbytes + self.recent_weights.nbytes + 60 * numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """How readers took to one item lately: smoothed share of positive interactions, and how often it was shown."""

    popularity: float
    exposures: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """The candidates of a feed, best first.

    Args:
        region: which one all of them shall be of; None where it does not matter.
        category: likewise.
        vectors: by id, where the search brought them along.
        notes: what had to be widened or topped up on the way.
    """

    ids: tuple[int, ...]
    path: str
    region: str | None = None
    category: str | None = None
    vectors: Mapping[int, Vector] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def fits(self, facts: ItemFacts) -> bool:
        """Tell whether an item is what was looked for; collections may be older than the facts."""
        return self.region in (None, facts.region) and self.category in (None, facts.category)
