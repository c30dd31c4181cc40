"""Quality: what is good, whoever reads it."""

from dataclasses import dataclass
from typing import ClassVar

from opsctl.ranking.features import blend
from opsctl.ranking.model import Candidates, Feature, Floats, Reader

_PARTS = {Feature.QUALITY: 0.6, Feature.MODEL_SCORE: 0.4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Favours what the catalogue and the scoring model call good.

    `score = 0.6 quality + 0.4 model score`, the catalogue's quality alone where the model said nothing, so an item
    outside the model's shortlist is neither punished nor favoured. Without unit, from 0 to 1. The weights are ours.
    """

    name: ClassVar[str] = "quality"

    def score(self, candidates: Candidates, reader: Reader) -> Floats:  # noqa: ARG002  the same for every reader
        """Return a score of each candidate, shape (n,), within [0, 1]."""
        return blend(_PARTS, candidates)
