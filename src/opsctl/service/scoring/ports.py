"""What is a scorer: something that gives items a number from 0 to 1, many at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredItem:
    """What a scorer is told of an item; `item_digest` names this state of it, so that a cached score fits its text."""

    content_id: int
    title: str
    description: str
    category: str
    region: str
    price_usd: float | None
    quality: float
    tags: tuple[str, ...] = ()


class ItemScorer(Protocol):
    """Scores items by themselves, for no reader in particular, so that a score can be cached for all readers."""

    @property
    def scorer_id(self) -> str:
        """Return provider, model and prompt version: part of the key under which scores are cached."""
        ...

    @property
    def is_simulated(self) -> bool:
        """Tell whether the scores come from a stand-in."""
        ...

    async def score(self, items: Sequence[ScoredItem]) -> Mapping[int, float]:
        """Return a score from 0 to 1 by content id; an item that could not be scored is left out."""
        ...

    async def close(self) -> None:
        """Send nothing more, and let go of connections."""
        ...
