"""Archivist: more of what the reader has kept."""

from dataclasses import dataclass
from typing import ClassVar

from opsctl.ranking.features import column, nearness, weighted_mean
from opsctl.ranking.model import Candidates, Feature, Floats, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Archivist:
    """Favours fidelity: near the reader's history, at the usual price, proven by other readers.

    `score = 0.6 nearness + 0.2 price fit + 0.2 popularity`; nearness is the weighted mean cosine to the three nearest
    things of the history (`features.nearness`), and saved things weigh more there than viewed ones. For a reader
    without a history price and popularity decide. Without unit, from 0 to 1. The weights are ours.
    """

    name: ClassVar[str] = "archivist"

    def score(self, candidates: Candidates, reader: Reader) -> Floats:
        """Return a score of each candidate, shape (n,), within [0, 1]."""
        return weighted_mean(
            [
                (0.6, nearness(candidates, reader)),
                (0.2, column(candidates, Feature.PRICE_FIT)),
                (0.2, column(candidates, Feature.POPULARITY)),
            ]
        )
