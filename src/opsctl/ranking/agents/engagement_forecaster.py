"""Engagement Forecaster: how likely is it that this reader does something with the item."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from opsctl.ranking.features import column
from opsctl.ranking.model import Candidates, Feature, Floats, Reader

_BASE_RATE = 0.1  # where the popularity is not known: about what one in ten readers does
_MARGIN = 0.01  # keeps the log-odds finite: no item is certain to please, none certain to fail
_SLOPE = 3.0  # a cosine of 1 multiplies the odds by exp(3), about 20; a prior of ours, not fitted


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementForecaster:
    """Forecasts engagement by a logistic model of popularity and similarity.

    `p = sigmoid(logit(popularity) + 3 cosine)`: the popularity among like readers is the base rate, and similarity
    moves its odds; cosine = 2 similarity - 1, 0 where unknown. The score is a probability, from 0 to 1, and not
    calibrated: the slope is a prior.
    """

    name: ClassVar[str] = "engagement_forecaster"

    def score(self, candidates: Candidates, reader: Reader) -> Floats:  # noqa: ARG002  similarity holds the reader
        """Return a forecast for each candidate, shape (n,), within [0, 1]."""
        popularity = np.nan_to_num(column(candidates, Feature.POPULARITY), nan=_BASE_RATE)
        base_rate = np.clip(popularity, _MARGIN, 1.0 - _MARGIN)
        cosine = 2.0 * np.nan_to_num(column(candidates, Feature.SIMILARITY), nan=0.5) - 1.0
        log_odds = np.log(base_rate) - np.log1p(-base_rate) + _SLOPE * cosine
        return 1.0 / (1.0 + np.exp(-log_odds))
