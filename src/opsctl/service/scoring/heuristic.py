"""How good is an item where no language model is asked: a heuristic over what its listing tells, and nothing more.

It is arithmetic, not judgement. With q the catalogue's quality, each part from 0 to 1:

    score = 0.40 q + 0.30 text + 0.15 tags + 0.15 price

    text   0.3 min(1, letters of the title / 24) + 0.7 min(1, words of the description / 40), halved where the
           title shouts (more than half of at least eight letters are capitals)
    tags   1 - 0.5^n for n different tags, so that the tenth tag buys nothing
    price  1 from 10 to 10,000 dollars, halved with each further factor of three, 0.5 where no price is told,
           0 for one that is not above zero
"""

import math
from collections.abc import Mapping, Sequence

from opsctl.service.scoring.ports import ScoredItem

_QUALITY, _TEXT, _TAGS, _PRICE = 0.40, 0.30, 0.15, 0.15
_WHOLE_TITLE_LETTERS = 24
_WHOLE_DESCRIPTION_WORDS = 40
_USUAL_DOLLARS = (10.0, 10_000.0)
_SHOUTING_LETTERS = 8
# A description longer than this adds nothing, so no time is spent on the rest of it.
_READ_CHARACTERS = 2000


class HeuristicScorer:
    """Scores locally and at once; the same item always gets the same score."""

    @property
    def scorer_id(self) -> str:
        """Return the name of the formula; it changes when the formula does."""
        return "heuristic:v1"

    @property
    def is_simulated(self) -> bool:
        """Tell that this stands in for nothing: it is a scorer of its own."""
        return False

    async def score(self, items: Sequence[ScoredItem]) -> Mapping[int, float]:
        """Return a score for every item."""
        return {item.content_id: heuristic_score(item) for item in items}

    async def close(self) -> None:
        """Hold nothing, so let go of nothing."""


def heuristic_score(item: ScoredItem) -> float:
    """Return the score of one item, from 0 to 1, by the formula above."""
    score = (
        _QUALITY * _within_bounds(item.quality)
        + _TEXT * _text_part(item)
        + _TAGS * (1 - 0.5 ** len(set(item.tags)))
        + _PRICE * _price_part(item.price_usd)
    )
    return round(_within_bounds(score), 6)


def _text_part(item: ScoredItem) -> float:
    letters = [letter for letter in item.title[:_READ_CHARACTERS] if letter.isalpha()]
    words = len(item.description[:_READ_CHARACTERS].split())
    part = 0.3 * min(1.0, len(letters) / _WHOLE_TITLE_LETTERS) + 0.7 * min(
        1.0, words / _WHOLE_DESCRIPTION_WORDS
    )
    capitals = sum(letter.isupper() for letter in letters)
    return part / 2 if len(letters) >= _SHOUTING_LETTERS and capitals * 2 > len(letters) else part


def _price_part(price_usd: float | None) -> float:
    if price_usd is None or not math.isfinite(price_usd):
        return 0.5
    if price_usd <= 0:
        return 0.0
    low, high = _USUAL_DOLLARS
    beyond = max(low / price_usd, price_usd / high, 1.0)
    return float(0.5 ** math.log(beyond, 3))


def _within_bounds(number: float) -> float:
    return min(1.0, max(0.0, number)) if math.isfinite(number) else 0.0
