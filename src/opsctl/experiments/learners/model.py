"""What does whoever chooses see, what does it answer, and what comes back: the contract of all learners."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """What can be shown, v items, as a policy may know them; never what they are like in truth.

    Args:
        vectors: shape (v, d), the embedding of each.
        groups: shape (v,), a group of each, from 0, such as its style.
    """

    vectors: Floats
    groups: Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Contexts:
    """Feeds that are asked for at once, b of them.

    Args:
        users: shape (b,), who asks.
        user_vectors: shape (b, d), what is known of each reader, in the space of the items' vectors.
        user_groups: shape (b,), a group of each reader, from 0.
        candidates: shape (b, c), indices into `items`; distinct within a row.
        items: all of them.
        day: from 0.
    """

    users: Ids
    user_vectors: Floats
    user_groups: Ids
    candidates: Ids
    items: Items
    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slates:
    """What is shown.

    Args:
        items: shape (b, m), indices into the items, best first.
        propensities: shape (b, m), the probability that the policy puts this item at this place for this reader now;
            NaN where it was not asked for.
    """

    items: Ids
    propensities: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What came of slates, once it is known: k impressions, one row each, never one that is still pending.

    Args:
        users: shape (k,).
        user_vectors: shape (k, d), as they were when the feed was made.
        user_groups: shape (k,).
        items: shape (k,), indices.
        positions: shape (k,), from 0.
        rewards: shape (k,), 0 or 1.
        propensities: shape (k,), as logged.
        all_items: all items.
    """

    users: Ids
    user_vectors: Floats
    user_groups: Ids
    items: Ids
    positions: Ids
    rewards: Floats
    propensities: Floats
    all_items: Items


class Policy(Protocol):
    """Whoever chooses what is shown, and learns; it belongs to one arm and knows nothing of the others."""

    @property
    def name(self) -> str:
        """Return the name by which books and reports know it."""
        ...

    @property
    def state_bytes(self) -> int:
        """Return the size of all that it has learned."""
        ...

    def choose(
        self,
        contexts: Contexts,
        *,
        size: int,
        generator: np.random.Generator,
        with_propensities: bool = False,
    ) -> Slates:
        """Return a slate of `size` items for each context; all chance comes from the generator."""
        ...

    def learn(self, feedback: Feedback, *, generator: np.random.Generator) -> None:
        """Learn from what came of former choices; called once a batch, in the order of time."""
        ...
