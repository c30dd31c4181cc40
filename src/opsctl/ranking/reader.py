"""Who is the reader: one vector, a segment and the context of the agents' weights, made from interactions."""

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from opsctl.ranking.model import Floats

KIND_WEIGHTS = {
    "view": 1.0,
    "click": 2.0,
    "save": 4.0,
    "share": 4.0,
    "inquiry": 6.0,
    "purchase": 8.0,
    "hide": -4.0,
}
"""What an interaction says of a taste: the more it costs the reader, the more; ours, in the order of common funnels."""

CONTEXT = ("constant", "experience", "focus")
"""Names of the context's numbers in their order."""
_AGAINST = (
    0.5  # what was hidden bends a vector, but never turns it around: at most half as long as what was liked
)
_SHORTEST = 1e-6  # likes that cancel each other out have no direction
_EXPERIENCED = 100  # interactions after which more of them say little


class Segment(StrEnum):
    """How much is known of a reader."""

    COLD = "cold"
    LIGHT = "light"
    REGULAR = "regular"
    HEAVY = "heavy"


def segment(history_count: int) -> Segment:
    """Return the reader's segment: cold 0, light below 10, regular below 50, heavy from 50 interactions on."""
    if history_count <= 0:
        return Segment.COLD
    if history_count < 10:
        return Segment.LIGHT
    return Segment.REGULAR if history_count < 50 else Segment.HEAVY


def interaction_weights(
    kinds: Sequence[str], ages_seconds: Sequence[float] | Floats, *, half_life_seconds: float
) -> Floats:
    """Return how much each interaction says, shape (h,): weight of its kind times 0.5^(age / half-life).

    Below 0 where it speaks against the item. An age below 0 (a clock that went ahead) counts as 0.

    Raises:
        ValueError: a kind is unknown, lengths differ, an age is not finite or the half-life is not above 0.
    """
    if not half_life_seconds > 0:
        raise ValueError(f"a half-life must be above 0 seconds, got {half_life_seconds}")
    unknown = sorted(set(kinds) - set(KIND_WEIGHTS))
    if unknown:
        raise ValueError(f"no interaction is called `{unknown[0]}`; there are {', '.join(KIND_WEIGHTS)}")
    ages = np.maximum(np.asarray(ages_seconds, np.float64), 0.0)
    if ages.shape != (len(kinds),) or not np.isfinite(ages).all():
        raise ValueError(f"{len(kinds)} interactions need as many finite ages")
    weights: Floats = np.array([KIND_WEIGHTS[kind] for kind in kinds]) * np.exp2(-ages / half_life_seconds)
    return weights


def reader_vector(
    vectors: NDArray[np.float32],
    kinds: Sequence[str],
    ages_seconds: Sequence[float] | Floats,
    *,
    half_life_seconds: float,
) -> NDArray[np.float32] | None:
    """Return the reader's vector, shape (d,), of length 1; None where nothing was liked or the likes cancel out.

    Weighted sum of what was liked minus what was hidden (Rocchio's relevance feedback, 1971). The hidden part is at
    most half as long as the liked one, so a reader who hides much still keeps the taste that the likes show.

    Args:
        vectors: shape (h, d), rows of length 1, what was interacted with.
        kinds: kind of each interaction: view, click, save, share, inquiry, purchase or hide.
        ages_seconds: age of each interaction.
        half_life_seconds: after this time an interaction counts half.

    Raises:
        ValueError: see `interaction_weights`; also where a vector is not finite.
    """
    weights = interaction_weights(kinds, ages_seconds, half_life_seconds=half_life_seconds)
    if vectors.ndim != 2 or len(vectors) != len(weights):
        raise ValueError(f"{len(weights)} interactions need as many vectors, got shape {vectors.shape}")
    if not np.isfinite(vectors).all():
        raise ValueError("a vector of the history is not finite")
    liked = np.maximum(weights, 0.0)
    total = float(liked.sum())
    if total == 0.0:
        return None
    # relative weights: a history from long ago has the same direction, however small its weights are
    exact = vectors.astype(np.float64)
    towards = (liked / total) @ exact
    against = (np.minimum(weights, 0.0) / total) @ exact
    length = float(np.linalg.norm(towards))
    if length < _SHORTEST:
        return None
    summed = towards + against * min(1.0, _AGAINST * length / max(float(np.linalg.norm(against)), _SHORTEST))
    reader: NDArray[np.float32] = (summed / np.linalg.norm(summed)).astype(np.float32)
    return reader


def context_vector(history: NDArray[np.float32]) -> Floats:
    """Return the context (`CONTEXT`) of a reader with this history, shape (3,), each from 0 to 1.

    Constant 1; experience = log(1 + h) / log(101), at most 1; focus = length of the history's mean vector, 1 for a
    reader of one taste, near 0 for one of many (and 0 without a history).

    Args:
        history: shape (h, d), rows of length 1.
    """
    count = len(history)
    experience = min(1.0, math.log1p(count) / math.log1p(_EXPERIENCED))
    focus = float(np.linalg.norm(history.mean(axis=0, dtype=np.float64))) if count else 0.0
    return np.array([1.0, experience, min(1.0, focus)])
