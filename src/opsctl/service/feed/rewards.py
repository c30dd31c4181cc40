"""What was a feed worth: its reward, and whether its exploration paid, by what the reader did with its items."""

import math
from collections.abc import Sequence

from opsctl.store.decisions import Decision

# What each deed says of the feed: a purchase is all that one can wish for, a view nothing. Ours, in the order of the
# funnel; `hide` takes back what a click gave.
WORTH = {
    "view": 0.0,
    "click": 0.2,
    "save": 0.5,
    "share": 0.5,
    "inquiry": 0.8,
    "purchase": 1.0,
    "hide": -0.2,
}
POSITIVE = frozenset(kind for kind, worth in WORTH.items() if worth > 0)

Reactions = Sequence[tuple[int, str]]


def reward_of(reactions: Reactions) -> float:
    """Return the reward of a feed, from -1 to 1: what each distinct deed is worth, summed and bounded.

    >>> reward_of([(1, "view"), (1, "click"), (1, "click"), (2, "save"), (3, "hide")])
    0.5
    """
    total = math.fsum(WORTH.get(kind, 0.0) for _, kind in set(reactions))
    return round(max(-1.0, min(1.0, total)), 6)


def has_paid(decision: Decision, reactions: Reactions) -> bool:
    """Tell whether something good was done with an item that exploration brought."""
    brought = {decision.content_ids[place] for place in decision.explored}
    return any(kind in POSITIVE and item in brought for item, kind in reactions)
