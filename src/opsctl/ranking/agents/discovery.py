"""Discovery: what fits the reader and is new, to the reader and to everybody."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from opsctl.ranking.features import among, blend
from opsctl.ranking.model import Candidates, Feature, Floats, Reader

_PARTS = {Feature.SIMILARITY: 0.45, Feature.FRESHNESS: 0.3, Feature.EXPOSURE: -0.25}
_SEEN = 0.5  # what was met before is half a discovery


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Favours similar, fresh and under-exposed items.

    `score = 0.45 similarity + 0.3 freshness + 0.25 (1 - exposure)`, halved for what the reader has met before. The
    weights are ours: similarity leads, the two kinds of newness together outweigh it. All parts and the score are
    without unit, from 0 to 1; an unknown part has no say (`features.weighted_mean`).
    """

    name: ClassVar[str] = "discovery"

    def score(self, candidates: Candidates, reader: Reader) -> Floats:
        """Return a score of each candidate, shape (n,), within [0, 1]."""
        scores = blend(_PARTS, candidates)
        return np.where(among(candidates.ids, reader.seen), scores * _SEEN, scores)
