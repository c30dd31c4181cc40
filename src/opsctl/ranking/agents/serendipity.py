"""Serendipity: relevant, yet outside of what the reader knows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from opsctl.ranking.features import blend, column, nearness, weighted_mean
from opsctl.ranking.model import Candidates, Feature, Floats, Reader

_RELEVANCE = {Feature.SIMILARITY: 0.5, Feature.QUALITY: 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Serendipity:
    """Favours what is relevant and unexpected at once.

    `score = sqrt(relevance x unexpectedness)`: a geometric mean, because a surprise that is irrelevant and a relevant
    item that is expected are both worth nothing (Ge et al., RecSys 2010, define serendipity as what is unexpected and
    useful). Relevance is the mean of similarity and quality; unexpectedness is 1 - nearness to the history (distance
    to the neighbourhoods that the reader visited; Vargas and Castells, RecSys 2011), and 1 - popularity for a reader
    without a history. Without unit, from 0 to 1.
    """

    name: ClassVar[str] = "serendipity"

    def score(self, candidates: Candidates, reader: Reader) -> Floats:
        """Return a score of each candidate, shape (n,), within [0, 1]."""
        relevance = blend(_RELEVANCE, candidates)
        expected = (
            nearness(candidates, reader) if len(reader.history) else column(candidates, Feature.POPULARITY)
        )
        return np.sqrt(relevance * weighted_mean([(-1.0, expected)]))
