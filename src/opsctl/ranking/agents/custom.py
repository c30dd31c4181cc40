"""Custom: what the operator's own weights make of the features."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from opsctl.ranking.features import blend
from opsctl.ranking.model import Candidates, Feature, Floats, Reader, feature_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """Weighs features as the book says.

    `score = sum |w_f| v_f / sum |w_f|` over the known features, with 1 - v_f in place of v_f where w_f is negative.
    Without unit, from 0 to 1.

    Args:
        weights: a weight by feature name, such as `{"quality": 0.7, "exposure": -0.3}`.
    """

    weights: Mapping[str, float]
    name: ClassVar[str] = "custom"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.weights) - set(feature_names()))
        if unknown:
            raise ValueError(f"no feature is called `{unknown[0]}`; there are {', '.join(feature_names())}")
        if not all(math.isfinite(weight) for weight in self.weights.values()):
            raise ValueError("a weight of agent `custom` is not a finite number")
        if not any(self.weights.values()):
            raise ValueError("agent `custom` needs at least one weight that is not 0")

    def score(self, candidates: Candidates, reader: Reader) -> Floats:  # noqa: ARG002  the features hold the reader
        """Return a score of each candidate, shape (n,), within [0, 1]."""
        return blend({Feature[name.upper()]: weight for name, weight in self.weights.items()}, candidates)
