"""What does ranking see of each candidate: the feature matrix, and which items are worth asking the model about."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from opsctl.ranking.features import weighted_mean
from opsctl.ranking.model import Candidates, Feature, Floats
from opsctl.service.feed.values import Attention, Matrix, Vector
from opsctl.store.content_writes import ItemFacts

FRESHNESS_HALF_LIFE_SECONDS = 30 * 86400.0

# What everybody's first look weighs: fit and quality; the model is asked about those that lead by it.
_FIRST_LOOK = {
    Feature.SIMILARITY: 0.4,
    Feature.QUALITY: 0.3,
    Feature.POPULARITY: 0.15,
    Feature.PRICE_FIT: 0.1,
    Feature.FRESHNESS: 0.05,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """From where the candidates are looked at.

    Args:
        vector: what was searched with: the reader's vector, or the prior of a cold start.
        usual_price_usd: what the reader usually pays; None when it is not known.
        now_seconds: seconds since 1970.
    """

    vector: Vector
    usual_price_usd: float | None
    now_seconds: float


def gather_candidates(
    facts: Sequence[ItemFacts],
    *,
    vectors: Matrix,
    attention: Mapping[int, Attention],
    point: Point,
) -> Candidates:
    """Return the candidates with every feature but the model's score, which is NaN for now."""
    features = np.full((len(facts), len(Feature)), np.nan)
    shown = np.array([_exposures(attention.get(item.content_id)) for item in facts])
    features[:, Feature.SIMILARITY] = _similarity(vectors, point.vector)
    features[:, Feature.QUALITY] = [item.quality for item in facts]
    features[:, Feature.POPULARITY] = [_popularity(attention.get(item.content_id)) for item in facts]
    features[:, Feature.FRESHNESS] = _freshness(
        np.array([item.created_seconds for item in facts]), now_seconds=point.now_seconds
    )
    features[:, Feature.PRICE_FIT] = [
        price_fit(item.price_usd, usual_price_usd=point.usual_price_usd) for item in facts
    ]
    features[:, Feature.EXPOSURE] = exposure_quantiles(shown)
    return Candidates(
        ids=np.array([item.content_id for item in facts], dtype=np.int64),
        vendors=np.array([item.vendor_id for item in facts], dtype=np.int64),
        vectors=vectors,
        features=features,
    )


def with_model_scores(candidates: Candidates, scores: Mapping[int, float]) -> Candidates:
    """Return the candidates with the model's scores of those items that it scored."""
    features = candidates.features.copy()
    features[:, Feature.MODEL_SCORE] = [scores.get(item, math.nan) for item in candidates.ids.tolist()]
    return Candidates(
        ids=candidates.ids, vendors=candidates.vendors, vectors=candidates.vectors, features=features
    )


def first_look(candidates: Candidates) -> Floats:
    """Return what each candidate is worth without agents and model, shape (n,), within [0, 1]."""
    return weighted_mean([(weight, candidates.features[:, column]) for column, weight in _FIRST_LOOK.items()])


def shortlist(candidates: Candidates, *, size: int) -> tuple[int, ...]:
    """Return the ids of the best candidates at first look, best first; of equals the lower id."""
    if size == 0:
        return ()
    looks = first_look(candidates)
    order = np.lexsort((candidates.ids, -looks))
    return tuple(candidates.ids[order[:size]].tolist())


def price_fit(price_usd: float | None, *, usual_price_usd: float | None) -> float:
    """Return 1 at the usual price and 0.5 at twice or half of it; NaN where either is not known.

    >>> [round(price_fit(price, usual_price_usd=100.0), 3) for price in (100.0, 200.0, 50.0, 400.0)]
    [1.0, 0.5, 0.5, 0.25]
    """
    if not price_usd or not usual_price_usd:
        return math.nan
    return float(2.0 ** -abs(math.log2(price_usd / usual_price_usd)))


def exposure_quantiles(shown: Floats) -> Floats:
    """Return for each item the share of the others that were shown less; NaN stays NaN.

    >>> exposure_quantiles(np.array([0.0, 5.0, 0.0, 9.0])).round(3).tolist()
    [0.0, 0.667, 0.0, 1.0]
    """
    known = np.sort(shown[~np.isnan(shown)])
    if len(known) < 2:
        return np.where(np.isnan(shown), np.nan, 0.0)
    return np.where(np.isnan(shown), np.nan, np.searchsorted(known, shown) / (len(known) - 1))


def _similarity(vectors: Matrix, vector: Vector) -> Floats:
    return np.clip((vectors.astype(np.float64) @ vector.astype(np.float64) + 1.0) / 2.0, 0.0, 1.0)


def _freshness(created_seconds: Floats, *, now_seconds: float) -> Floats:
    ages = np.maximum(now_seconds - created_seconds, 0.0)
    return np.asarray(np.exp2(-ages / FRESHNESS_HALF_LIFE_SECONDS))


def _popularity(attention: Attention | None) -> float:
    return math.nan if attention is None else attention.popularity


def _exposures(attention: Attention | None) -> float:
    return math.nan if attention is None else attention.exposures
