"""How good and how fast are the searches of a derived collection, against the filtered source as the truth?"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from opsctl.clients.qdrant_values import Filter, Found, Query
from opsctl.core.quantiles import quantile
from opsctl.qdrant_collections.store import VectorStore
from opsctl.vectors.intervals import wilson
from opsctl.vectors.recall import recall
from opsctl.vectors.search import Answer

TOP = 10
_SEED = 20261122
_MOST_ROUNDS = 4
# Each look at the recall is a chance to stop on a lucky one: 95 % for all four together (Bonferroni).
_CONFIDENCE = 1 - 0.05 / _MOST_ROUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean with its interval, which holds with 95 % confidence however many rounds it took."""

    mean: float
    low: float
    high: float
    queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuality:
    """Recall@10 of the derived collection, and the p95 of both ways in seconds."""

    recall: Estimate
    engine_p95_seconds: float
    client_p95_seconds: float
    source_engine_p95_seconds: float
    source_client_p95_seconds: float


def sample_vectors(store: VectorStore, *, source: str, using: str, count: int) -> list[list[float]]:
    """Return vectors to search with: those of points drawn from the whole source, not only of the filtered part.

    A small source has too few; then sums of two of its vectors are added, drawn with a fixed seed.
    """
    points = store.sample(source, limit=count, with_vectors=True)
    vectors = [vector for vector in (_dense(point.get("vector"), using=using) for point in points) if vector]
    chance = random.Random(_SEED)  # noqa: S311 - a measurement wants repeatable chance
    known = len(vectors)
    while known and len(vectors) < count:
        one, other = chance.choices(vectors[:known], k=2)
        vectors.append([a + b * chance.random() for a, b in zip(one, other, strict=True)])
    return vectors


def measure_searches(
    store: VectorStore, *, source: str, target: str, queries: Sequence[Query], budget: float
) -> SearchQuality:
    """Search the filtered source and the derived collection in turn, with every query until recall is decided.

    `queries` carry the filter; they are used in up to four equal rounds, and no more of them than it takes to
    tell whether the recall is above or below the budget.
    """
    shares: list[float] = []
    derived: list[Found] = []
    filtered: list[Found] = []
    round_size = max(1, math.ceil(len(queries) / _MOST_ROUNDS))
    for begin in range(0, len(queries), round_size):
        for query in queries[begin : begin + round_size]:
            truth = store.query(source, _variant(query, exact=True, filter=query.filter))
            filtered.append(store.query(source, query))
            derived.append(store.query(target, _variant(query, exact=False, filter=None)))
            shares.append(recall(as_answer(derived[-1]), as_answer(truth)))
        estimate = estimate_mean(shares)
        if estimate.low >= budget or estimate.high < budget:
            break
    return SearchQuality(
        recall=estimate_mean(shares),
        engine_p95_seconds=_p95([found.engine_seconds for found in derived]),
        client_p95_seconds=_p95([found.client_seconds for found in derived]),
        source_engine_p95_seconds=_p95([found.engine_seconds for found in filtered]),
        source_client_p95_seconds=_p95([found.client_seconds for found in filtered]),
    )


def estimate_mean(shares: Sequence[float]) -> Estimate:
    """Return the mean of shares in [0, 1] with Wilson's interval, each query counted as one trial.

    Source: Wilson (1927). The variance of a share is at most that of a yes-or-no answer with the same mean, so
    the interval is wide enough whatever the shares look like; all ones do not pretend to be certain.
    """
    if not shares:
        return Estimate(mean=0.0, low=0.0, high=1.0, queries=0)
    mean = fmean(shares)
    low, high = wilson(mean, len(shares), confidence=_CONFIDENCE)
    return Estimate(mean=mean, low=low, high=high, queries=len(shares))


def as_answer(found: Found) -> Answer:
    """Return a search's result in the words that recall is computed in."""
    return Answer(
        ids=found.ids,
        scores=found.scores,
        engine_seconds=found.engine_seconds,
        client_seconds=found.client_seconds,
    )


def _variant(query: Query, *, exact: bool, filter: Filter | None) -> Query:  # noqa: A002 - Qdrant's own word
    return Query(vector=query.vector, limit=query.limit, using=query.using, exact=exact, filter=filter)


def _dense(vector: Any, *, using: str) -> list[float] | None:
    chosen = vector.get(using) if isinstance(vector, dict) else vector
    return chosen if isinstance(chosen, list) and chosen and isinstance(chosen[0], int | float) else None


def _p95(seconds: Sequence[float]) -> float:
    return quantile(sorted(seconds), 0.95) if seconds else 0.0
